"""What an administrator did to the fields of the portal since the world was made.

Owns names that went or changed, types, labels, and what the profile hides. Must not know HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class FieldEdits:
    """By API name as the world was made; names of custom fields are unique over the modules."""

    names: dict[str, str | None] = field(default_factory=dict)  # None: the field is gone
    labels: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # by the profile: metadata has it, rows do not
    crm_gone: set[str] = field(default_factory=set)  # Module.Field
    silent: set[str] = field(default_factory=set)  # modules whose metadata lists nothing

    def name(self, api_name: str) -> str | None:
        """What a field is called now; None where it is gone."""
        return self.names.get(api_name, api_name)
