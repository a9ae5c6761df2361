"""Fields that privacy settings hide: known as hidden, never kept, never taken for empty."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.pull.crm_world import quiet
from tests.pull.world import World, world
from zdsync.sandbox import Variant

HIDDEN = "SELECT stream, api_name, custom_field FROM zdsync.hidden_fields ORDER BY ALL"


def hide(place: World, fields: str) -> None:
    object.__setattr__(place.box.variant, "crm_hidden_fields", fields)
    place.clock.sleep(3700)
    quiet(place)


def tiers(place: World) -> int:
    query = "SELECT count(*) FROM crm.accounts WHERE json_exists(cf, '$.SLA_Tier')"
    return int(place.rows(query)[0][0])


def test_a_hidden_field_is_named_and_no_empty_value_of_it_is_stored(tmp_path: Path) -> None:
    variant = Variant(crm_hidden_fields="Accounts.SLA_Tier,Contacts.Email")
    with world(tmp_path, tickets=60, variant=variant) as place:
        quiet(place)
        assert place.rows(HIDDEN) == [
            ("crm.accounts", "SLA_Tier", True),
            ("crm.contacts", "Email", False),
        ]
        assert tiers(place) == 0
        assert place.rows("SELECT count(last_name) FROM crm.contacts")[0][0] > 5
        with place.app().place.work("test") as mirror:
            assert mirror.portal().hidden == {"Accounts.SLA_Tier", "Contacts.Email"}


def test_values_that_become_hidden_are_emptied_and_come_back_when_shown(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        before = place.rows("SELECT id, email, cf FROM crm.contacts ORDER BY id")
        held = tiers(place)
        assert held > 5
        hide(place, "Accounts.SLA_Tier,Contacts.Email,Contacts.Patient_Since")
        assert tiers(place) == 0
        assert place.rows("SELECT count(email) FROM crm.contacts") == [(0,)]
        ((cf,),) = place.rows("SELECT cf FROM crm.contacts LIMIT 1")
        assert "Patient_Since" not in orjson.loads(cf)
        hide(place, "")
        for _ in range(3):  # one survey a run reads what came into sight
            place.clock.sleep(300)
            quiet(place)
        assert tiers(place) == held
        after = place.rows("SELECT id, email, cf FROM crm.contacts ORDER BY id")
        assert [(a, b, orjson.loads(c)) for a, b, c in after] == [
            (a, b, orjson.loads(c)) for a, b, c in before
        ]


def test_fields_that_may_not_be_read_for_a_while_keep_what_is_known_of_them(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        count = "SELECT count(*) FROM crm.fields WHERE deleted_at IS NULL"
        before = place.rows(count)
        place.box.fail_next(
            r"GET .*/settings/fields",
            status=403,
            body='{"code":"NO_PERMISSION","details":{},"message":"no","status":"error"}',
            times=3,
        )
        place.clock.sleep(3700)
        quiet(place)
        assert place.rows(count) == before
