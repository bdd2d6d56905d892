"""What front ends change in the registry: each change with what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbtrack.store import ModelSource, Store, get_logged_model


@dataclass(frozen=True)
class SetAlias:
    """Let an alias name a version, also where it names another."""

    action: Literal["set_alias"]
    name: str
    alias: str
    version: int

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.set_alias(self.name, self.alias, self.version)


@dataclass(frozen=True)
class DeleteAlias:
    """Let an alias name no version any more."""

    action: Literal["delete_alias"]
    name: str
    alias: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.delete_alias(self.name, self.alias)


@dataclass(frozen=True)
class MoveToStage:
    """Move a version to a stage; others that are there may be archived."""

    action: Literal["stage"]
    name: str
    version: int
    stage: str
    archive_existing: bool = False

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.transition_stage(
            self.name, self.version, self.stage, archive_existing=self.archive_existing
        )


@dataclass(frozen=True)
class Describe:
    """Change the description of a model, or of one of its versions."""

    action: Literal["describe"]
    name: str
    description: str
    version: int | None = None

    def apply(self, store: Store) -> None:
        """Do it."""
        if self.version is None:
            store.registry.update_model(self.name, self.description)
        else:
            store.registry.update_version(self.name, self.version, self.description)


@dataclass(frozen=True)
class SetVersionTag:
    """Set a tag of a version."""

    action: Literal["tag"]
    name: str
    version: int
    key: str
    value: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.set_version_tag(self.name, self.version, self.key, self.value)


@dataclass(frozen=True)
class DeleteVersionTag:
    """Remove a tag of a version."""

    action: Literal["untag"]
    name: str
    version: int
    key: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.delete_version_tag(self.name, self.version, self.key)


@dataclass(frozen=True)
class Register:
    """Make a logged model a version of a registered one, which is made where there is none."""

    action: Literal["register"]
    model_id: str
    name: str

    def apply(self, store: Store) -> None:
        """Do it."""
        with store.read() as reader:
            model = get_logged_model(reader, self.model_id)
        source = ModelSource(
            model.model_uri, model.artifact_location, model.source_run_id, model.model_id
        )
        store.registry.create_version(self.name, source, make_model=True)


@dataclass(frozen=True)
class RenameModel:
    """Give a registered model another name."""

    action: Literal["rename"]
    name: str
    new_name: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.rename_model(self.name, self.new_name)


@dataclass(frozen=True)
class DeleteVersion:
    """Remove a version."""

    action: Literal["delete_version"]
    name: str
    version: int

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.delete_version(self.name, self.version)


@dataclass(frozen=True)
class DeleteModel:
    """Remove a registered model with its versions."""

    action: Literal["delete_model"]
    name: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.registry.delete_model(self.name)


ModelEdit: TypeAlias = (
    SetAlias
    | DeleteAlias
    | MoveToStage
    | Describe
    | SetVersionTag
    | DeleteVersionTag
    | Register
    | RenameModel
    | DeleteVersion
    | DeleteModel
)
