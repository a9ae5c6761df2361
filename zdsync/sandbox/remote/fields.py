"""An administrator's hand on the fields of the portal; no record's modified time moves."""

from __future__ import annotations

from collections.abc import Callable

from .base import Remote


class RemoteFields(Remote):
    """What happens to fields."""

    def drop_field(self, api_name: str) -> None:
        """Delete a custom field; its values are gone from every answer."""
        self._edit_field(lambda: self.state.edits.names.update({api_name: None}))

    def rename_field(self, api_name: str, new: str, label: str = "") -> None:
        """Give a custom field another API name; Zoho's id stays."""

        def rename() -> None:
            self.state.edits.names[api_name] = new
            if label:
                self.state.edits.labels[api_name] = label

        self._edit_field(rename)

    def bring_back_field(self, api_name: str) -> None:
        """Undo a deletion, a renaming, a hiding."""

        def undo() -> None:
            self.state.edits.names.pop(api_name, None)
            self.state.edits.hidden.discard(api_name)

        self._edit_field(undo)

    def retype_field(self, api_name: str, kind: str) -> None:
        """Give a field another type."""
        self._edit_field(lambda: self.state.edits.types.update({api_name: kind}))

    def hide_field(self, api_name: str) -> None:
        """Hide a custom field by the profile: metadata has it, no row carries it (DT 1)."""
        self._edit_field(lambda: self.state.edits.hidden.add(api_name))

    def drop_crm_field(self, module: str, api_name: str) -> None:
        """Delete a custom field of a CRM module."""
        self._edit_field(lambda: self.state.edits.crm_gone.add(f"{module}.{api_name}"))

    def silence_fields(self, module: str) -> None:
        """Let the metadata of a Desk module list nothing, as after a lost right."""
        self._edit_field(lambda: self.state.edits.silent.add(module))

    def _edit_field(self, edit: Callable[[], object]) -> None:
        with self.lock:
            edit()
            self.state.rows.clear()
            self.state.version += 1
