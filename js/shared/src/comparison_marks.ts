import type { DataColumn } from './comparison_data';
import { scaleOf } from './comparison_scale';
import { h } from './dom';
import { formatNumber } from './format';
import type { Theme } from './theme';

type Attributes = Record<string, string | number | undefined>;
const SVG = 'http://www.w3.org/2000/svg';

/** Make an element of a drawing. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** From worse to better; told apart with any colour vision, and on light and dark pages. */
const RAMPS = {
  light: ['#d9822b', '#b9a58c', '#7f9bb3', '#0b5fa5'],
  dark: ['#f0a050', '#a89a8c', '#86a5c4', '#6cc4ff']
};

/** Colours by the value of a column, the better the bluer. */
export class ColourRamp {
  private readonly stops: number[][];
  private readonly from: number;
  private readonly span: number;
  private readonly scale;
  /** Whether all runs have the same value: then there is no better and no worse. */
  private readonly single: boolean;

  constructor(
    readonly column: DataColumn,
    theme: Theme,
    log?: boolean
  ) {
    this.stops = RAMPS[theme.dark ? 'dark' : 'light'].map(rgb);
    if (column.direction === 'min') this.stops.reverse();
    this.scale = scaleOf(column, log);
    // a few runs that diverged must not make all others look alike
    const places = [...column.values].map(v => this.scale.place(v)).filter(Number.isFinite).sort((a, b) => a - b);
    const at = (share: number): number => places[Math.round(share * (places.length - 1))] ?? 0;
    const cut = places.length >= 20 ? 0.05 : 0;
    this.from = at(cut);
    this.span = at(1 - cut) - this.from || 1;
    this.single = places.length > 0 && places[0] === places.at(-1);
  }

  /** The colour of a run; null where it has no value. */
  of(place: number): string | null {
    const value = this.scale.place(this.column.values[place] ?? NaN);
    return Number.isFinite(value) ? this.at(this.single ? 0.5 : (value - this.from) / this.span) : null;
  }

  /** How good a run is beside the others, from 0 to 1. */
  rank(place: number): number {
    const value = (this.scale.place(this.column.values[place] ?? NaN) - this.from) / this.span;
    if (!Number.isFinite(value)) return -1;
    return this.column.direction === 'min' ? 1 - value : value;
  }

  legend(): HTMLElement {
    const text = (share: number): string => {
      const value = this.scale.value(this.from + share * this.span);
      return this.column.kind === 'category' ? (this.column.categories[Math.round(value)] ?? '') : formatNumber(value, 3);
    };
    const bar = h('span', { class: 'nbt-ramp', 'aria-hidden': 'true' });
    bar.style.background = this.single ? this.at(0.5) : `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(s => this.at(s)).join(',')})`;
    return h('span', { class: 'nbt-ramp-legend' }, text(0), bar, this.single ? '' : text(1));
  }

  private at(share: number): string {
    const x = Math.max(0, Math.min(1, share)) * (this.stops.length - 1);
    const i = Math.min(this.stops.length - 2, Math.floor(x));
    const mixed = this.stops[i]!.map((c, k) => Math.round(c + (this.stops[i + 1]![k]! - c) * (x - i)));
    return `rgb(${mixed.join(',')})`;
  }
}

function rgb(hex: string): number[] {
  return [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
}

/** Size a canvas for the screen; returns its context in CSS pixels, cleared. */
export function sheet(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const density = globalThis.devicePixelRatio || 1;
  const [w, t] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w || canvas.height !== t) {
    canvas.width = w;
    canvas.height = t;
  }
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context?.setTransform(density, 0, 0, density, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** A box beside the pointer: what is under it. */
export class Tip {
  readonly element = h('div', { class: 'nbt-tip', hidden: true, role: 'presentation' });

  show(x: number, y: number, width: number, title: string, rows: readonly (readonly [string, string])[]): void {
    this.element.replaceChildren(
      h('strong', {}, title),
      h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))
    );
    this.element.hidden = false;
    const left = x > width / 2;
    this.element.style.top = `${Math.max(0, y - 12)}px`;
    this.element.style.left = left ? '' : `${x + 14}px`;
    this.element.style.right = left ? `${width - x + 14}px` : '';
  }

  hide(): void {
    this.element.hidden = true;
  }
}

/** Follow the pointer until it is let go. */
export function drag(move: (event: PointerEvent) => void, done: () => void): void {
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort();
    done();
  };
  document.addEventListener('pointermove', move, { signal: abort.signal });
  document.addEventListener('pointerup', stop, { signal: abort.signal });
  document.addEventListener('pointercancel', stop, { signal: abort.signal });
}

/** A value as people read it. */
export function valueText(column: DataColumn, place: number): string {
  const value = column.values[place];
  if (value === undefined || Number.isNaN(value)) return '–';
  return column.kind === 'category' ? (column.categories[value] ?? '') : formatNumber(value);
}

/** What stands in the place of a plot that has nothing to draw. */
export function nothingNote(): HTMLElement {
  return h('p', { class: 'nbt-note' }, 'These runs have no params and no metrics.');
}

/** A choice that stays in its place when there are other names: who is in it is not thrown out. */
export class Choice {
  readonly element: HTMLElement;
  private readonly select = h('select', {});
  private shown = '';

  constructor(word: string, chosen: (value: string) => void) {
    this.element = h('label', { class: 'nbt-choice' }, h('span', {}, word), this.select);
    this.select.addEventListener('change', () => chosen(this.select.value));
  }

  set(names: readonly (readonly [value: string, text: string])[], value: string): void {
    const key = JSON.stringify(names);
    if (key !== this.shown) this.select.replaceChildren(...names.map(([name, text]) => h('option', { value: name }, text)));
    this.shown = key;
    this.select.value = value;
  }
}

/** A choice that is made anew with what it belongs to. */
export function choice(word: string, names: readonly (readonly [value: string, text: string])[], value: string, chosen: (value: string) => void): HTMLElement {
  const made = new Choice(word, chosen);
  made.set(names, value);
  return made.element;
}
