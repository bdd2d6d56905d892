import type { Row, RunTree } from './run_tree';

export interface Modifiers {
  shift: boolean;
  /** Ctrl, or the command key of a Mac. */
  accel: boolean;
}

/** What a key asks for beyond the tree itself. */
export type Effect = 'none' | 'open' | 'changed';

/** How long letters belong to one word, when somebody types the name of a row. */
const WORD_MS = 700;

/** Which row has the keyboard, and which runs are chosen. */
export class TreeSelection {
  active: string | null = null;
  readonly chosen = new Set<string>();
  private held: readonly Row[] = [];
  private anchor: string | null = null;
  private typed = '';
  private typedAt = -Infinity;

  constructor(private readonly tree: RunTree) {}

  /** The rows that a command is about: the chosen ones, or the active one if it is not among them. */
  get targets(): Row[] {
    const active = this.tree.row(this.active);
    if (active && !this.chosen.has(active.key)) return [active];
    return this.tree.rows.filter(row => this.chosen.has(row.key));
  }

  /** Remember what a menu is about when it opens: until it is used the tree may show other rows. */
  hold(): void {
    this.held = this.targets;
  }

  /** The rows that the menu was opened for, as they are now where the tree still has them. */
  get ofMenu(): Row[] {
    return this.held.map(row => this.tree.row(row.key) ?? row);
  }

  /** Drop what is no longer there, and give the keyboard to what is at the place of the active row. */
  settle(before: number): void {
    for (const key of this.chosen) if (this.tree.indexOf(key) < 0) this.chosen.delete(key);
    if (this.tree.indexOf(this.active) >= 0) return;
    const rows = this.tree.rows;
    this.active = rows[Math.min(Math.max(before, 0), rows.length - 1)]?.key ?? null;
  }

  /** Mean the chosen rows, also where the keyboard is on another one. */
  meanChosen(): void {
    if (this.active === null || !this.chosen.has(this.active)) this.active = [...this.chosen][0] ?? this.active;
  }

  click(key: string, { shift, accel }: Modifiers): void {
    this.active = key;
    if (shift) return this.extend(key);
    if (!accel) this.chosen.clear();
    this.flip(key, accel ? !this.chosen.has(key) : true);
    this.anchor = key;
  }

  /** Choose all runs that are shown. */
  all(): void {
    for (const row of this.tree.rows) if (row.kind === 'run') this.chosen.add(row.key);
  }

  /** Do what a key means in a tree; null if it means nothing here. */
  press(key: string, modifiers: Modifiers, page: number, now: number): Effect | null {
    const rows = this.tree.rows;
    const at = this.tree.indexOf(this.active);
    const row = rows[at];
    switch (key) {
      case 'ArrowDown':
        return this.move(at + 1, modifiers);
      case 'ArrowUp':
        return this.move(at < 0 ? 0 : at - 1, modifiers);
      case 'Home':
        return this.move(0, modifiers);
      case 'End':
        return this.move(rows.length - 1, modifiers);
      case 'PageDown':
        return this.move(at + page, modifiers);
      case 'PageUp':
        return this.move(at - page, modifiers);
      case 'ArrowRight':
        return this.inward(row, at);
      case 'ArrowLeft':
        return this.outward(row);
      case 'Enter':
        if (row?.kind === 'run') return 'open';
        return row?.kind === 'experiment' ? this.unfold(row, !row.expanded) : null;
      case ' ':
        return this.space(row, modifiers);
      case 'Escape':
        if (this.chosen.size === 0) return null;
        this.chosen.clear();
        return 'changed';
      default:
        if (modifiers.accel && key.toLowerCase() === 'a') {
          this.all();
          return 'changed';
        }
        return key.length === 1 && !modifiers.accel ? this.type(key, now, at) : null;
    }
  }

  private move(to: number, { shift }: Modifiers): Effect {
    const rows = this.tree.rows;
    if (rows.length === 0) return 'none';
    const from = this.active;
    this.active = rows[Math.min(Math.max(to, 0), rows.length - 1)]!.key;
    if (shift) {
      this.anchor ??= from;
      this.extend(this.active);
    }
    return 'changed';
  }

  private extend(to: string): void {
    const from = this.tree.indexOf(this.anchor ?? to);
    const end = this.tree.indexOf(to);
    if (this.anchor === null || from < 0) this.anchor = to;
    this.chosen.clear();
    const [first, last] = from < 0 ? [end, end] : [Math.min(from, end), Math.max(from, end)];
    for (const row of this.tree.rows.slice(first, last + 1)) this.flip(row.key, true);
  }

  private flip(key: string, on: boolean): void {
    if (!on) this.chosen.delete(key);
    else if (this.tree.row(key)?.kind === 'run') this.chosen.add(key);
  }

  private space(row: Row | undefined, modifiers: Modifiers): Effect | null {
    if (!row) return null;
    if (row.kind === 'experiment') return this.unfold(row, !row.expanded);
    if (modifiers.shift) this.extend(row.key);
    else {
      this.flip(row.key, !this.chosen.has(row.key));
      this.anchor = row.key;
    }
    return 'changed';
  }

  private inward(row: Row | undefined, at: number): Effect {
    if (!row || row.kind === 'gap' || row.expanded === null) return 'none';
    if (!row.expanded) return this.unfold(row, true);
    const next = this.tree.rows[at + 1];
    if (next?.inside === row.key) this.active = next.key;
    return 'changed';
  }

  private outward(row: Row | undefined): Effect {
    if (!row) return 'none';
    if (row.kind !== 'gap' && row.expanded) return this.unfold(row, false);
    if (row.inside !== null) this.active = row.inside;
    return 'changed';
  }

  private unfold(row: Row, open: boolean): Effect {
    this.tree.toggle(row.key, open);
    return 'changed';
  }

  private type(letter: string, now: number, at: number): Effect | null {
    const goesOn = now - this.typedAt < WORD_MS;
    const word = (goesOn ? this.typed : '') + letter.toLowerCase();
    this.typed = word;
    this.typedAt = now;
    const same = [...word].every(char => char === word[0]);
    // the same letter again and again goes through the rows that begin with it
    const sought = same ? word[0]! : word;
    const rows = this.tree.rows;
    const from = same ? at + 1 : Math.max(at, 0);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[(from + i) % rows.length]!;
      if (!nameOf(row).toLowerCase().startsWith(sought)) continue;
      this.active = row.key;
      return 'changed';
    }
    return 'none';
  }
}

/** What a row is called. */
export function nameOf(row: Row): string {
  if (row.kind === 'experiment') return row.experiment.name;
  return row.kind === 'run' ? row.run.name : '';
}
