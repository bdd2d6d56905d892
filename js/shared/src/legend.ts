import { h, lineSample } from './dom';
import { afterPress } from './presses';

export interface LegendEntry {
  /** `run:<id>` or `split:<name>`. */
  id: string;
  name: string;
  colour: string;
  dash: string;
}

export interface LegendEvents {
  toggle(id: string): void;
  solo(id: string): void;
  point(id: string | null): void;
}

/** More entries are not listed; what they stand for is still hidden and shown with the others. */
export const MOST_ENTRIES = 60;
/** More stand in columns; of these, so many before somebody asks for all. */
const FEW = 6;
const FOLDED = 24;
/** A column is not wider than so many letters. */
const LONGEST = 44;
const HINT = 'Click: hide or show. Double-click, Alt-click or S: only this one.';

/** Names of runs and splits, as buttons that hide and show their curves. */
export class Legend {
  readonly element = h('div', { class: 'nbt-legend', role: 'group', 'aria-label': 'Legend', hidden: true });
  private readonly abort = new AbortController();
  private look = '';
  private unfolded = false;

  constructor(events: LegendEvents) {
    const { signal } = this.abort;
    const idOf = (event: Event): string | undefined =>
      (event.target as Element).closest?.<HTMLElement>('button[data-entry]')?.dataset['entry'];
    const on = <E extends Event>(type: string, act: (id: string, event: E) => void): void =>
      this.element.addEventListener(
        type,
        event => {
          const id = idOf(event);
          if (id !== undefined) act(id, event as E);
        },
        { signal }
      );
    on<MouseEvent>('click', (id, event) => (event.altKey ? events.solo(id) : events.toggle(id)));
    on('dblclick', id => events.solo(id));
    on<KeyboardEvent>('keydown', (id, event) => {
      if (event.key.toLowerCase() === 's' && !event.ctrlKey && !event.metaKey) {
        event.stopPropagation();
        events.solo(id);
      }
    });
    on('pointerover', id => events.point(id));
    on('focusin', id => events.point(id));
    for (const type of ['pointerleave', 'focusout']) {
      this.element.addEventListener(type, () => events.point(null), { signal });
    }
  }

  show(entries: readonly LegendEntry[], hidden: ReadonlySet<string>): void {
    afterPress(this.element, () => this.draw(entries, hidden));
  }

  dispose(): void {
    this.abort.abort();
    this.element.remove();
  }

  private draw(entries: readonly LegendEntry[], hidden: ReadonlySet<string>): void {
    const shown = entries.slice(0, this.unfolded ? MOST_ENTRIES : FOLDED);
    const look = JSON.stringify([shown, entries.length]);
    if (look !== this.look) {
      this.look = look;
      this.element.hidden = entries.length === 0;
      this.element.replaceChildren(
        ...shown.map(({ id, name, colour, dash }) =>
          h('button', { type: 'button', 'data-entry': id, title: `${name}\n${HINT}` }, lineSample(colour, dash), h('span', {}, name))
        ),
        ...(entries.length > shown.length ? [this.rest(entries, hidden)] : [])
      );
      this.element.classList.toggle('nbt-columns-many', shown.length > FEW);
      const letters = Math.min(LONGEST, Math.max(0, ...shown.map(({ name }) => name.length)));
      this.element.style.setProperty('--nbt-entry', `${(0.55 * letters + 3.4).toFixed(1)}em`);
    }
    for (const button of this.element.querySelectorAll<HTMLElement>('button')) {
      if (button.dataset['entry'] !== undefined) button.setAttribute('aria-pressed', String(!hidden.has(button.dataset['entry'])));
    }
  }

  /** What is not listed: it is on a click, as far as a list of it helps. */
  private rest(entries: readonly LegendEntry[], hidden: ReadonlySet<string>): HTMLElement {
    if (this.unfolded) return h('span', { class: 'nbt-rest' }, `and ${entries.length - MOST_ENTRIES} more`);
    const more = h('button', { type: 'button', class: 'nbt-rest' }, `and ${entries.length - FOLDED} more`);
    more.addEventListener('click', () => {
      this.unfolded = true;
      this.draw(entries, hidden);
      this.element.querySelectorAll('button')[FOLDED]?.focus();
    });
    return more;
  }
}

/** Hide or show one entry. */
export function toggled(hidden: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(hidden);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** Show one entry of its kind alone; all of them again where it is alone already. */
export function soloed(hidden: ReadonlySet<string>, id: string, all: readonly string[]): Set<string> {
  const kind = id.slice(0, id.indexOf(':') + 1);
  const others = all.filter(other => other !== id && other.startsWith(kind));
  const next = new Set(hidden);
  const alone = !hidden.has(id) && others.every(other => hidden.has(other));
  next.delete(id);
  for (const other of others) {
    if (alone) next.delete(other);
    else next.add(other);
  }
  return next;
}
