import type { RegistryTree, TreeModel, TreeVersion } from '@nbtrack/shared/requests';

interface Placed {
  key: string;
  place: number;
  siblings: number;
}

export interface ModelRow extends Placed {
  kind: 'model';
  model: TreeModel;
  expanded: boolean;
}

export interface VersionRow extends Placed {
  kind: 'version';
  model: TreeModel;
  version: TreeVersion;
}

export type ModelTreeRow = ModelRow | VersionRow;

export const modelKey = (name: string): string => `model:${name}`;
export const versionKey = (name: string, version: number): string => `version:${version}:${name}`;

/** Registered models and their versions: what is expanded, which row has the keyboard, and the rows that makes. */
export class ModelTree {
  active: string | null = null;
  models: readonly TreeModel[] = [];
  total = 0;
  logged = 0;
  private held: ModelTreeRow | undefined;
  private readonly closed = new Set<string>();
  private readonly open = new Set<string>();
  /** Whether something is looked for: then all that was found is seen. */
  searching = false;

  get rows(): ModelTreeRow[] {
    const rows: ModelTreeRow[] = [];
    this.models.forEach((model, i) => {
      const key = modelKey(model.name);
      const expanded = this.isOpen(key, i);
      rows.push({ kind: 'model', key, place: i + 1, siblings: this.models.length, model, expanded });
      if (!expanded) return;
      model.versions.forEach((version, at) =>
        rows.push({ kind: 'version', key: versionKey(model.name, version.version), place: at + 1, siblings: model.versions.length, model, version })
      );
    });
    return rows;
  }

  get activeRow(): ModelTreeRow | undefined {
    return this.rows.find(row => row.key === this.active);
  }

  /** Remember what a menu is about when it opens: until it is used the tree may show other rows. */
  hold(): void {
    this.held = this.activeRow;
  }

  /** The row that the menu was opened for, as it is now where the tree still has it. */
  get ofMenu(): ModelTreeRow | undefined {
    return this.rows.find(row => row.key === this.held?.key) ?? this.held;
  }

  put({ models, total, logged }: RegistryTree): void {
    const before = this.rows.findIndex(row => row.key === this.active);
    this.models = models;
    this.total = total;
    this.logged = logged;
    const { rows } = this;
    if (this.active !== null && !rows.some(row => row.key === this.active)) {
      this.active = rows[Math.min(Math.max(before, 0), rows.length - 1)]?.key ?? null;
    }
  }

  /** Open or close a model. */
  toggle(key: string): void {
    const row = this.rows.find(other => other.key === key);
    if (row?.kind !== 'model') return;
    (row.expanded ? this.closed : this.open).add(key);
    (row.expanded ? this.open : this.closed).delete(key);
  }

  /** Do what a key means in a tree; whether it meant something, and whether a row is to be opened. */
  press(key: string): 'open' | 'moved' | null {
    const { rows } = this;
    const at = rows.findIndex(row => row.key === this.active);
    const row = rows[at];
    const move = (to: number): 'moved' => {
      this.active = rows[Math.min(Math.max(to, 0), rows.length - 1)]?.key ?? null;
      return 'moved';
    };
    switch (key) {
      case 'ArrowDown':
        return move(at + 1);
      case 'ArrowUp':
        return move(at - 1);
      case 'Home':
        return move(0);
      case 'End':
        return move(rows.length - 1);
      case 'ArrowRight':
        if (row?.kind !== 'model') return 'moved';
        if (row.expanded) return row.model.versions.length > 0 ? move(at + 1) : 'moved';
        this.toggle(row.key);
        return 'moved';
      case 'ArrowLeft':
        if (row?.kind === 'version') this.active = modelKey(row.model.name);
        else if (row?.expanded) this.toggle(row.key);
        return 'moved';
      case 'Enter':
      case ' ':
        if (row?.kind === 'version') return 'open';
        if (row) this.toggle(row.key);
        return 'moved';
      default:
        return null;
    }
  }

  /** The model that was changed last is open at first. */
  private isOpen(key: string, place: number): boolean {
    return !this.closed.has(key) && (this.searching || this.open.has(key) || place === 0);
  }
}
