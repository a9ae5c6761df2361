"""Letters as customers write them: sentences in six languages, some of them about something.

Made from lists of real words by a fixed seed; one in fourteen speaks of a thing that rules and
taxonomies look for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

SENTENCES = 4_000  # a language
_SPEAKS = 0.07  # of the sentences


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: words of no matter, things that matter, what parts two words."""

    name: str
    share: int  # of 100 tickets
    words: tuple[str, ...]
    things: tuple[str, ...]
    space: str = " "


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _things(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


TONGUES = (
    Tongue(
        "English",
        58,
        _listed(
            "we have been trying since yesterday morning to open the page on our second floor and "
            "nothing happens when my colleague presses it could you please have a look today "
            "because several people are waiting here thank you very much for your kind help with "
            "regards from the whole team at our counter there was also another question about what "
            "happened last week after lunch then everything looked fine again until now only one "
            "of these screens shows a white box near top left corner while others do not"
        ),
        _things(
            "login, password, docker, invoice, refund, license key, dark mode, push notifications, "
            "mobile app, iPhone, cancel subscription, data export, rate limits, video call, "
            "GDPR, HIPAA, webhook, Zapier, LDAP, prescription refill, my appointment, my doctor, "
            "lab results, backlinks, unsubscribe, guest post, seo rankings, error 500, crashed, "
            "stack trace, feature request, pricing, purchase order, urgent, asap, help"
        ),
    ),
    Tongue(
        "German",
        14,
        _listed(
            "wir versuchen seit gestern früh die Seite zu öffnen aber nichts passiert wenn meine "
            "Kollegin auf den Knopf drückt könnten Sie bitte heute noch nachsehen weil mehrere "
            "Leute hier warten vielen Dank für Ihre Mühe mit freundlichen Grüßen aus der Praxis "
            "außerdem gab es eine Frage über das Gerät im zweiten Stock danach lief alles wieder"
        ),
        _things(
            "Anmeldung, Passwort, Rechnung, Rückerstattung, Lizenz, mein Termin, mein Rezept, "
            "funktioniert nicht, Fehlermeldung, Datenschutz, Abo kündigen, Berechtigungen, "
            "Videokonferenz, dringend, Dokumentation, Angebot, Datenexport, Beratung"
        ),
    ),
    Tongue(
        "French",
        10,
        _listed(
            "nous essayons depuis hier matin d'ouvrir la page mais rien ne se passe quand ma "
            "collègue appuie sur la touche pourriez-vous regarder aujourd'hui parce que plusieurs "
            "personnes attendent ici merci beaucoup pour votre aide très cordialement de toute "
            "l'équipe il y avait aussi une autre question à propos de l'écran du deuxième étage"
        ),
        _things(
            "connexion, mot de passe, facture, remboursement, licence, mon rendez-vous, "
            "mon ordonnance, ne fonctionne pas, supprimer mon compte, résilier, visioconférence, "
            "urgent, devis, autorisations, sauvegarde"
        ),
    ),
    Tongue(
        "Spanish",
        10,
        _listed(
            "estamos intentando desde ayer por la mañana abrir la página pero no pasa nada cuando "
            "mi compañera pulsa el botón podrían mirarlo hoy porque hay varias personas esperando "
            "aquí muchas gracias por su ayuda un saludo de todo el equipo también había otra "
            "pregunta sobre la pantalla del segundo piso después todo volvió"
        ),
        _things(
            "contraseña, factura, reembolso, mi cita, mi receta, no funciona, eliminar mi cuenta, "
            "cancelar suscripción, permisos, urgente, presupuesto, documentación, licencia"
        ),
    ),
    Tongue(
        "Russian",
        5,
        _listed(
            "мы пытаемся со вчерашнего утра открыть страницу но ничего не происходит когда моя "
            "коллега нажимает кнопку не могли бы вы посмотреть сегодня потому что несколько "
            "человек ждут здесь большое спасибо за помощь с уважением ещё был другой вопрос"
        ),
        _things("пароль, счёт, возврат, не работает, лицензия, срочно, ошибка, вход"),
    ),
    Tongue(
        "Japanese",
        3,
        _listed(
            "昨日の朝から ページを 開こうと しています が 何も 起こりません 同僚が ボタンを 押すと "
            "今日 確認して いただけます でしょうか 待っている 人が います よろしく お願いします"
        ),
        _things("パスワード, 請求書, 返金, ライセンス, エラー, ログイン, 緊急"),
        "",
    ),
)


def sentences() -> list[str]:
    """Write SENTENCES of each tongue, in the order of TONGUES."""
    dice = random.Random(11)
    return [_sentence(tongue, dice) for tongue in TONGUES for _ in range(SENTENCES)]


def _sentence(tongue: Tongue, dice: random.Random) -> str:
    words = dice.choices(tongue.words, k=dice.randint(11, 21))
    if dice.random() < _SPEAKS:
        words.insert(dice.randrange(len(words)), dice.choice(tongue.things))
    text = tongue.space.join(words)
    return text[:1].upper() + text[1:]
