import { type DataColumn, label, RunData } from './comparison_data';
import { Choice, ColourRamp, nothingNote, sheet, svg, Tip, valueText } from './comparison_marks';
import { apart, labelWidth, type Scale, scaleOf } from './comparison_scale';
import { h } from './dom';
import type { Theme } from './theme';

export interface ScatterState {
  x: string;
  y: string;
  /** A column, or '' for the colours of the runs. */
  colour: string;
  /** A column, or '' for points of one size. */
  size: string;
}

export interface ScatterEvents {
  state(state: ScatterState): void;
  highlight(runId: string | null): void;
  pick(runId: string, add: boolean): void;
}

const HEIGHT = 270;
const LEFT = 56;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 40;
const NEAR = 12;
const LABEL_HEIGHT = 13;

/** A param against a metric, one point per run. */
export class ScatterView {
  private readonly choices = h('div', { class: 'nbt-choices' });
  private readonly legend = h('div', { class: 'nbt-parallel-legend' });
  private readonly nothing = nothingNote();
  private readonly box = h('div', { class: 'nbt-scatter' });
  private readonly canvas = h('canvas', { 'aria-hidden': 'true' });
  private readonly drawing = svg('svg', { class: 'nbt-axes' });
  private readonly choice: Record<keyof ScatterState, Choice>;
  private readonly tip = new Tip();
  private readonly observer: ResizeObserver;
  private data = RunData.empty;
  private state: ScatterState = { x: '', y: '', colour: '', size: '' };
  private log: Readonly<Record<string, boolean>> = {};
  private runColours: ReadonlyMap<string, string> = new Map();
  private selected: ReadonlySet<string> = new Set();
  private highlighted: string | null = null;
  private points: [x: number, y: number, r: number][] = [];
  private width = 0;
  /** What the labels and the name of the y axis need. */
  private left = LEFT;
  private frame = 0;

  constructor(
    root: HTMLElement,
    private theme: Theme,
    private readonly events: ScatterEvents
  ) {
    const pick = (part: Partial<ScatterState>): void => this.events.state({ ...this.state, ...part });
    this.choice = {
      x: new Choice('x', x => pick({ x })),
      y: new Choice('y', y => pick({ y })),
      colour: new Choice('colour', colour => pick({ colour })),
      size: new Choice('size', size => pick({ size }))
    };
    this.choices.append(...Object.values(this.choice).map(choice => choice.element));
    this.box.append(this.drawing, this.canvas, this.tip.element);
    root.append(this.nothing, this.choices, this.box, this.legend);
    this.box.addEventListener('pointermove', this.onMove);
    this.box.addEventListener('pointerleave', this.onLeave);
    this.box.addEventListener('click', this.onClick);
    this.observer = new ResizeObserver(() => {
      if (this.box.clientWidth !== this.width && this.box.clientWidth > 0) this.layout();
    });
    this.observer.observe(this.box);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.layout();
  }

  setData(data: RunData, state: ScatterState, log: Readonly<Record<string, boolean>>): void {
    this.data = data;
    this.state = state;
    this.log = log;
    this.renderChoices();
    this.layout();
  }

  /** Runs that have a colour of their own, and those that are selected. */
  setRuns(colours: ReadonlyMap<string, string>, selected: readonly string[]): void {
    this.runColours = colours;
    this.selected = new Set(selected);
    this.schedule();
  }

  highlight(runId: string | null): void {
    if (this.highlighted === runId) return;
    this.highlighted = runId;
    this.schedule();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }

  private renderChoices(): void {
    const names = this.data.available.filter(key => key.differs || key.name.startsWith('metrics.')).map(key => [key.name, label(key.name)] as const);
    const numbers = this.data.available.filter(key => key.kind === 'number').map(key => [key.name, label(key.name)] as const);
    this.choice.x.set(names, this.state.x);
    this.choice.y.set(names, this.state.y);
    this.choice.colour.set([['', 'run'], ...names], this.state.colour);
    this.choice.size.set([['', 'same'], ...numbers], this.state.size);
  }

  private layout(): void {
    this.width = this.box.clientWidth;
    this.box.style.height = `${HEIGHT}px`;
    const [x, y] = [this.data.columns.get(this.state.x), this.data.columns.get(this.state.y)];
    const known = this.data !== RunData.empty; // before, nothing is said of them
    const drawn = this.state.x !== '' && this.state.y !== '';
    this.choices.hidden = !known || !drawn;
    this.box.hidden = known && !drawn;
    this.nothing.hidden = !known || drawn;
    if (!x || !y) {
      this.points = [];
      this.drawing.replaceChildren();
      this.schedule();
      return;
    }
    const [across, up] = [scaleOf(x, this.log[x.name]), scaleOf(y, this.log[y.name])];
    this.left = Math.max(LEFT, 26 + Math.max(0, ...up.ticks.map(tick => labelWidth(short(tick.label)))));
    const [w, t] = [this.width - this.left - RIGHT, HEIGHT - TOP - BOTTOM];
    const size = this.data.columns.get(this.state.size);
    const sizes = size ? scaleOf(size) : null;
    const pad = (scale: Scale, place: number): number => (scale.kind === 'category' ? place : 0.03 + 0.94 * place);
    this.points = this.data.ids.map((id, i) => {
      const px = this.left + w * pad(across, across.place(x.values[i]!)) + jitter(id, across, w);
      const py = TOP + t * (1 - pad(up, up.place(y.values[i]!))) + (up.kind === 'category' ? jitter(id, up, t) : 0);
      const share = sizes ? sizes.place(size!.values[i]!) : 0.3;
      return [px, py, Number.isFinite(share) ? 3 + 5 * Math.max(0, share) : 3];
    });
    this.renderAxes(x, y, across, up, pad);
    this.schedule();
  }

  private renderAxes(x: DataColumn, y: DataColumn, across: Scale, up: Scale, pad: (scale: Scale, place: number) => number): void {
    const left = this.left;
    const [w, t] = [this.width - left - RIGHT, HEIGHT - TOP - BOTTOM];
    const marks: Node[] = [];
    const along = across.ticks.map(tick => left + w * pad(across, across.place(tick.value)));
    for (const i of apart(along, across.ticks.map(tick => labelWidth(short(tick.label))), 8)) {
      marks.push(svg('text', { x: along[i]!, y: HEIGHT - BOTTOM + 16, 'text-anchor': 'middle', class: 'nbt-mark' }, short(across.ticks[i]!.label)));
    }
    const heights = up.ticks.map(tick => TOP + t * (1 - pad(up, up.place(tick.value))));
    for (const i of apart(heights, up.ticks.map(() => LABEL_HEIGHT), 0)) {
      const [at, tick] = [heights[i]!, up.ticks[i]!];
      marks.push(svg('line', { x1: left, x2: this.width - RIGHT, y1: at, y2: at, class: 'nbt-gridline' }));
      marks.push(svg('text', { x: left - 6, y: at + 3.5, 'text-anchor': 'end', class: 'nbt-mark' }, short(tick.label)));
    }
    marks.push(svg('line', { x1: left, x2: this.width - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: 'nbt-axis-line' }));
    marks.push(svg('text', { x: left + w / 2, y: HEIGHT - 6, 'text-anchor': 'middle', class: 'nbt-axis-name' }, `${label(x.name)}${across.kind === 'log' ? ' (log)' : ''}`));
    marks.push(svg('text', { x: 0, y: 0, transform: `translate(11,${TOP + t / 2}) rotate(-90)`, 'text-anchor': 'middle', class: 'nbt-axis-name' }, `${label(y.name)}${up.kind === 'log' ? ' (log)' : ''}`));
    this.drawing.setAttribute('width', String(this.width));
    this.drawing.setAttribute('height', String(HEIGHT));
    this.drawing.replaceChildren(...marks);
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const context = sheet(this.canvas, this.width, HEIGHT);
    if (!context) return;
    const column = this.data.columns.get(this.state.colour);
    const ramp = column ? new ColourRamp(column, this.theme, this.log[column.name]) : null;
    this.legend.replaceChildren(...(ramp && column ? [h('span', {}, label(column.name)), ramp.legend()] : []));
    const colour = (i: number): string => (ramp ? ramp.of(i) : this.runColours.get(this.data.ids[i]!)) ?? this.theme.muted;
    const front = (i: number): boolean => this.runColours.has(this.data.ids[i]!) || this.selected.has(this.data.ids[i]!);
    const order = this.points.map((_, i) => i).sort((a, b) => Number(front(a)) - Number(front(b)));
    const many = this.points.length > 1000;
    for (const i of order) {
      const [x, y, r] = this.points[i]!;
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      const faint = this.selected.size > 0 ? !front(i) : !ramp && !front(i);
      context.globalAlpha = faint ? (many ? 0.12 : 0.35) : many ? 0.7 : 0.9;
      dot(context, x, y, r, colour(i));
      if (this.selected.has(this.data.ids[i]!)) {
        context.globalAlpha = 1;
        context.strokeStyle = this.theme.text;
        context.lineWidth = 1.2;
        context.stroke();
      }
    }
    context.globalAlpha = 1;
    const place = this.highlighted === null ? -1 : this.data.placeOf(this.highlighted);
    const point = this.points[place];
    if (point && Number.isFinite(point[0]) && Number.isFinite(point[1])) {
      dot(context, point[0], point[1], point[2] + 2, colour(place));
      context.strokeStyle = this.theme.text;
      context.lineWidth = 2;
      context.stroke();
    }
    this.box.dataset['points'] = String(this.points.filter(([x, y]) => Number.isFinite(x + y)).length);
    if (this.highlighted) this.box.dataset['highlight'] = this.highlighted;
    else delete this.box.dataset['highlight'];
  }

  private runAt(event: MouseEvent): number {
    const box = this.box.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, near] = [-1, NEAR];
    this.points.forEach(([px, py], i) => {
      const apart = Math.hypot(px - x, py - y);
      if (apart < near) [best, near] = [i, apart];
    });
    return best;
  }

  private readonly onMove = (event: PointerEvent): void => {
    const run = this.runAt(event);
    this.box.style.cursor = run >= 0 ? 'pointer' : '';
    this.events.highlight(run >= 0 ? this.data.ids[run]! : null);
    if (run < 0) return this.tip.hide();
    const names = [...new Set([this.state.x, this.state.y, this.state.colour, this.state.size])];
    const rows = names.flatMap(name => {
      const column = this.data.columns.get(name);
      return column ? [[label(name), valueText(column, run)] as const] : [];
    });
    const [x, y] = this.points[run]!;
    this.tip.show(x, y, this.width, this.data.names[run] ?? '', rows);
  };

  private readonly onLeave = (): void => {
    this.tip.hide();
    this.events.highlight(null);
  };

  private readonly onClick = (event: MouseEvent): void => {
    const run = this.runAt(event);
    if (run >= 0) this.events.pick(this.data.ids[run]!, event.shiftKey || event.ctrlKey || event.metaKey);
  };
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, r: number, colour: string): void {
  context.beginPath();
  context.arc(x, y, r, 0, 7);
  context.fillStyle = colour;
  context.fill();
}

function short(text: string, most = 11): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Runs of the same value are spread a little: always the same way, so that a run keeps its place. */
function jitter(id: string, scale: Scale, room: number): number {
  if (!scale.discrete) return 0;
  let hash = 0;
  for (const sign of id) hash = (hash * 31 + sign.charCodeAt(0)) | 0;
  const width = scale.kind === 'category' ? Math.min(40, (room / (scale.high + 1)) * 0.5) : 8;
  return ((hash >>> 8) / 0x1000000 - 0.5) * width;
}
