import { RunData, within } from './comparison_data';
import { ColourRamp, drag, nothingNote, sheet, svg, Tip, valueText } from './comparison_marks';
import { h } from './dom';
import { type Axis, axesOf, bend, brushBetween, moveAxis, type ParallelState, placesOf, sideOf, withBrush } from './parallel_axes';
import { axisMarks } from './parallel_marks';
import { AxisMenu } from './parallel_menu';
import type { Theme } from './theme';
import type { Brush } from './view_data';

export interface ParallelEvents {
  brushes(brushes: Brush[]): void;
  axes(names: string[]): void;
  log(name: string, log: boolean): void;
  highlight(runId: string | null): void;
  pick(runId: string, add: boolean): void;
}

const TOP = 46;
const BOTTOM = 26;
const HEIGHT = 290;
const NEAR = 7;
/** How wide the strip of an axis is that takes brushes. */
const STRIP = 26;
/** From one axis to the next; where there is less room, the plot scrolls. */
const NARROWEST = 64;

/**
 * Parallel coordinates: one line per run, one axis per column.
 *
 * Lines are on a canvas, for ten thousand of them; axes, brushes and what is typed are elements.
 */
export class ParallelView {
  private readonly box = h('div', { class: 'nbt-parallel' });
  private readonly scroller = h('div', { class: 'nbt-parallel-scroll' }, this.box);
  private readonly canvas = h('canvas', { 'aria-hidden': 'true' });
  private readonly over = h('canvas', { 'aria-hidden': 'true' });
  private readonly drawing = svg('svg', { class: 'nbt-axes' });
  private readonly heads = h('div', { class: 'nbt-axis-heads' });
  private readonly tip = new Tip();
  private readonly legend = h('div', { class: 'nbt-parallel-legend' });
  private readonly nothing = nothingNote();
  private readonly menu: AxisMenu;
  private readonly observer: ResizeObserver;
  private data = RunData.empty;
  private state: ParallelState = { axes: [], log: {}, brushes: [], metric: '' };
  private axes: Axis[] = [];
  private order: number[] = [];
  private ys: Float32Array[] = [];
  private colours: (string | null)[] = [];
  private selected: ReadonlySet<string> = new Set();
  private runColours: ReadonlyMap<string, string> = new Map();
  private highlighted: string | null = null;
  private width = 0;
  private frame = 0;
  private dragged: Brush[] | null = null;

  constructor(
    root: HTMLElement,
    private theme: Theme,
    private readonly events: ParallelEvents
  ) {
    this.menu = new AxisMenu({
      brush: (name, brush) => this.events.brushes(withBrush(this.state.brushes, name, brush)),
      log: (name, log) => this.events.log(name, log),
      move: (name, by) => this.move(name, by),
      remove: name => this.events.axes(this.names().filter(other => other !== name)),
      add: name => this.events.axes([...this.names(), name])
    });
    this.box.append(this.canvas, this.over, this.drawing, this.heads, this.tip.element);
    root.append(this.legend, this.nothing, this.scroller, this.menu.element);
    this.box.addEventListener('pointermove', this.onMove);
    this.box.addEventListener('pointerleave', this.onLeave);
    this.box.addEventListener('click', this.onClick);
    this.observer = new ResizeObserver(() => {
      if (this.scroller.clientWidth !== this.width && this.scroller.clientWidth > 0) this.layout();
    });
    this.observer.observe(this.scroller);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.layout();
  }

  setData(data: RunData, state: ParallelState): void {
    this.data = data;
    this.setState(state);
  }

  setState(state: ParallelState): void {
    this.state = state;
    this.layout();
  }

  /** The runs that stand out; those with a colour have it here too, unless brushes chose them. */
  setSelected(ids: readonly string[], colours: ReadonlyMap<string, string>): void {
    this.selected = new Set(ids);
    this.runColours = colours;
    this.schedule();
  }

  highlight(runId: string | null): void {
    if (this.highlighted === runId) return;
    this.highlighted = runId;
    this.drawOver();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.menu.dispose();
  }

  private names(): string[] {
    return this.axes.map(axis => axis.name);
  }

  private move(name: string, by: number): void {
    this.events.axes(moveAxis(this.names(), name, by));
    this.heads.querySelector<HTMLElement>(`[data-axis="${CSS.escape(name)}"]`)?.focus();
  }

  private x(place: number): number {
    const [left, right] = [sideOf(this.axes[0]), sideOf(this.axes.at(-1))];
    const room = this.boxWidth() - left - right;
    return this.axes.length < 2 ? this.boxWidth() / 2 : left + (place * room) / (this.axes.length - 1);
  }

  /** Whether there is no axis to brush. */
  get isEmpty(): boolean {
    return this.axes.length === 0;
  }

  private boxWidth(): number {
    return Math.max(this.width, this.axes.length * NARROWEST);
  }

  private y(place: number): number {
    return TOP + (1 - place) * (HEIGHT - TOP - BOTTOM);
  }

  private layout(): void {
    this.width = this.scroller.clientWidth;
    this.axes = axesOf(this.data, this.state.axes, this.state.metric, this.state.log);
    this.nothing.hidden = this.axes.length > 0 || this.data === RunData.empty;
    this.scroller.hidden = this.axes.length === 0;
    this.box.style.width = `${this.boxWidth()}px`;
    this.box.style.height = `${HEIGHT}px`;
    this.arrange();
    this.renderAxes();
    this.schedule();
  }

  /** Where each run's line passes each axis, and its colour. */
  private arrange(): void {
    const metric = this.data.columns.get(this.state.metric);
    const ramp = metric ? new ColourRamp(metric, this.theme, this.state.log[this.state.metric]) : null;
    const n = this.data.ids.length;
    const ranks = Float64Array.from({ length: n }, (_, i) => ramp?.rank(i) ?? 0);
    this.colours = Array.from({ length: n }, (_, i) => ramp?.of(i) ?? null);
    this.order = Array.from({ length: n }, (_, i) => i).sort((a, b) => ranks[a]! - ranks[b]!);
    // lines that pass the same value are spread a little, the best on top, so that one sees how many
    const share = new Float64Array(n);
    this.order.forEach((run, i) => (share[run] = n > 1 ? i / (n - 1) - 0.5 : 0));
    this.ys = this.axes.map(axis => {
      const spread = axis.scale.kind === 'category' ? 0.5 / axis.column.categories.length : axis.scale.discrete ? 0.05 : 0;
      return Float32Array.from(axis.column.values, (value, i) =>
        Number.isFinite(value) ? this.y(axis.scale.place(value) + share[i]! * spread) : this.y(0) + 16
      );
    });
    this.legend.replaceChildren();
    if (!ramp || !metric) return;
    const way = metric.direction === 'min' ? ' (lower is better)' : metric.direction === 'max' ? ' (higher is better)' : '';
    this.legend.append(h('span', {}, `Lines: ${metric.name.replace(/^metrics\./, '')}${way}`), ramp.legend());
    const absent = this.data.available.filter(key => !this.axes.some(axis => axis.name === key.name));
    this.legend.append(this.menu.adder(absent.map(key => key.name)));
  }

  private renderAxes(): void {
    this.drawing.setAttribute('width', String(this.boxWidth()));
    this.drawing.setAttribute('height', String(HEIGHT));
    const brushes = this.dragged ?? this.state.brushes;
    this.drawing.replaceChildren(
      ...this.axes.map((axis, i) => {
        const [x, top, bottom] = [this.x(i), this.y(1), this.y(0)];
        const brush = brushes.find(other => other.column === axis.name);
        const marks = axisMarks(axis, brush, place => this.y(place), i === this.axes.length - 1);
        const strip = svg('rect', { x: -STRIP / 2, width: STRIP, y: top - 6, height: bottom - top + 12, class: 'nbt-strip' });
        strip.addEventListener('pointerdown', event => this.startBrush(event, axis, i));
        return svg('g', { transform: `translate(${x},0)`, 'data-axis': axis.name }, ...marks, strip);
      })
    );
    this.renderHeads(brushes);
  }

  private renderHeads(brushes: readonly Brush[]): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset['axis'];
    const room = this.axes.length > 1 ? this.x(1) - this.x(0) : 160;
    this.heads.replaceChildren(
      ...this.axes.map((axis, i) => {
        const on = brushes.some(brush => brush.column === axis.name);
        const way = axis.column.direction === 'min' ? ' ↓' : axis.column.direction === 'max' ? ' ↑' : '';
        const button = h(
          'button',
          {
            type: 'button',
            'data-axis': axis.name,
            'aria-haspopup': 'dialog',
            'aria-label': `Axis ${axis.label}${on ? ', brushed' : ''}. Enter to type a range, Shift and arrows to move it`,
            title: `${axis.name}: drag along the axis to brush; drag the name to move it; click for more`
          },
          `${axis.label}${way}`
        );
        button.style.left = `${this.x(i)}px`;
        // what is at the end has half its room beyond the axis
        const ends = [this.x(0), this.boxWidth() - this.x(this.axes.length - 1)];
        const beyond = i === 0 ? ends[0]! : i === this.axes.length - 1 ? ends[1]! : room / 2;
        button.style.maxWidth = `${Math.max(60, Math.min(room - 8, 2 * beyond))}px`;
        if (on) button.dataset['on'] = '';
        button.addEventListener('pointerdown', event => this.startMove(event, button, axis, i));
        button.addEventListener('keydown', event => {
          if (!event.shiftKey || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
          event.preventDefault();
          this.move(axis.name, event.key === 'ArrowLeft' ? -1 : 1);
        });
        button.addEventListener('click', event => {
          event.stopPropagation();
          if (button.dataset['moved'] === undefined) this.menu.open(button, axis, brushes.find(brush => brush.column === axis.name) ?? null);
          delete button.dataset['moved'];
        });
        return button;
      })
    );
    if (focused) this.heads.querySelector<HTMLElement>(`[data-axis="${CSS.escape(focused)}"]`)?.focus();
  }

  private startBrush(event: PointerEvent, axis: Axis, i: number): void {
    if (event.button !== 0) return;
    event.preventDefault();
    const box = this.box.getBoundingClientRect();
    const place = (e: PointerEvent): number => 1 - (e.clientY - box.top - TOP) / (HEIGHT - TOP - BOTTOM);
    const from = place(event);
    const before = this.state.brushes.find(brush => brush.column === axis.name);
    const held = before ? placesOf(axis, before)[0] : undefined;
    const near = 6 / (HEIGHT - TOP - BOTTOM);
    // an end is moved by itself, the inside moves both, anywhere else begins a new one
    const end = held && axis.scale.kind !== 'category' ? held.findIndex(p => Math.abs(p - from) < near) : -1;
    const inside = held && end < 0 && from > held[0] && from < held[1] && axis.scale.kind !== 'category';
    let moved = false;
    const move = (e: PointerEvent): void => {
      const to = place(e);
      if (Math.abs(to - from) * (HEIGHT - TOP - BOTTOM) > 3) moved = true;
      if (!moved) return;
      let [a, b] = [from, to];
      if (held && end >= 0) [a, b] = [held[1 - end]!, to];
      else if (held && inside) [a, b] = [held[0] + to - from, held[1] + to - from];
      this.dragged = withBrush(this.state.brushes, axis.name, brushBetween(axis, a, b));
      this.renderAxes();
      this.schedule();
    };
    const stop = (): void => {
      const brushes = moved ? (this.dragged ?? []) : withBrush(this.state.brushes, axis.name, null);
      this.dragged = null;
      if (moved || before) this.events.brushes([...brushes]);
      this.heads.querySelectorAll<HTMLElement>('button')[i]?.focus({ preventScroll: true });
    };
    drag(move, stop);
  }

  private startMove(event: PointerEvent, button: HTMLElement, axis: Axis, i: number): void {
    if (event.button !== 0) return;
    const room = this.axes.length > 1 ? this.x(1) - this.x(0) : 1;
    let by = 0;
    const move = (e: PointerEvent): void => {
      const apart = e.clientX - event.clientX;
      if (Math.abs(apart) < 5 && button.dataset['moved'] === undefined) return;
      button.dataset['moved'] = '';
      button.style.left = `${this.x(i) + apart}px`;
      by = Math.round(apart / room);
    };
    const stop = (): void => {
      if (button.dataset['moved'] === undefined) return;
      if (by !== 0) this.move(axis.name, by);
      else button.style.left = `${this.x(i)}px`;
    };
    drag(move, stop);
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  /** The runs that stand out: what is brushed now, else what is selected; null for all. */
  private kept(): ReadonlySet<string> | null {
    if (this.dragged) return new Set(within(this.data, this.dragged));
    return this.selected.size > 0 ? this.selected : null;
  }

  private colourOf(run: number): string {
    const own = this.selected.size > 0 && this.state.brushes.length === 0 ? this.runColours.get(this.data.ids[run]!) : undefined;
    return own ?? this.colours[run] ?? this.theme.muted;
  }

  private draw(): void {
    const context = sheet(this.canvas, this.boxWidth(), HEIGHT);
    if (!context || this.axes.length === 0) return;
    const kept = this.kept();
    const n = this.data.ids.length;
    const strong = n > 3000 ? 0.2 : n > 500 ? 0.4 : n > 100 ? 0.65 : 0.85;
    const stands = (run: number): boolean => kept === null || kept.has(this.data.ids[run]!);
    if (kept) {
      context.globalAlpha = n > 500 ? 0.05 : 0.16;
      for (const run of this.order) if (!stands(run)) this.line(context, run, this.theme.muted, 1);
    }
    context.globalAlpha = kept && kept.size < 60 ? 0.95 : strong;
    for (const run of this.order) if (stands(run)) this.line(context, run, this.colourOf(run), kept && kept.size < 60 ? 1.9 : 1.4);
    this.box.dataset['runs'] = String(n);
    this.box.dataset['kept'] = String(kept === null ? n : this.data.ids.filter(id => kept.has(id)).length);
    this.drawOver();
  }

  private drawOver(): void {
    const context = sheet(this.over, this.boxWidth(), HEIGHT);
    const run = this.highlighted === null ? -1 : this.data.placeOf(this.highlighted);
    if (run >= 0) this.box.dataset['highlight'] = this.highlighted!;
    else delete this.box.dataset['highlight'];
    if (!context || run < 0) return;
    this.line(context, run, this.theme.dark ? '#000' : '#fff', 6);
    this.line(context, run, this.colourOf(run), 3);
    this.axes.forEach((_, i) => {
      context.beginPath();
      context.arc(this.x(i), this.ys[i]![run]!, 4, 0, 7);
      context.fillStyle = this.theme.text;
      context.fill();
    });
  }

  private line(context: CanvasRenderingContext2D, run: number, colour: string, width: number): void {
    context.beginPath();
    this.axes.forEach((_, i) => {
      const [x, y] = [this.x(i), this.ys[i]![run]!];
      if (i === 0) context.moveTo(x, y);
      else {
        const middle = (this.x(i - 1) + x) / 2;
        context.bezierCurveTo(middle, this.ys[i - 1]![run]!, middle, y, x, y);
      }
    });
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  /** The run whose line is nearest to a point, of those that stand out. */
  private runAt(x: number, y: number): number {
    let i = 0;
    while (i < this.axes.length - 2 && x > this.x(i + 1)) i++;
    if (this.axes.length < 2 || x < this.x(0) - 4 || x > this.x(this.axes.length - 1) + 4) return -1;
    const share = bend(Math.max(0, Math.min(1, (x - this.x(i)) / (this.x(i + 1) - this.x(i)))));
    const kept = this.kept();
    let [best, near] = [-1, NEAR];
    this.data.ids.forEach((id, run) => {
      if (kept && !kept.has(id)) return;
      const [a, b] = [this.ys[i]![run]!, this.ys[i + 1]![run]!];
      const apart = Math.abs(a + (b - a) * share - y);
      if (apart < near) [best, near] = [run, apart];
    });
    return best;
  }

  private place(event: MouseEvent): [number, number] {
    const box = this.box.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private readonly onMove = (event: PointerEvent): void => {
    if (this.dragged) return this.tip.hide();
    const [x, y] = this.place(event);
    const run = this.runAt(x, y);
    this.box.style.cursor = run >= 0 ? 'pointer' : '';
    this.events.highlight(run >= 0 ? this.data.ids[run]! : null);
    if (run < 0) return this.tip.hide();
    const rows = this.axes.map(axis => [axis.label, valueText(axis.column, run)] as const);
    this.tip.show(x, y, this.boxWidth(), this.data.names[run] ?? '', rows);
  };

  private readonly onLeave = (): void => {
    this.tip.hide();
    this.events.highlight(null);
  };

  private readonly onClick = (event: MouseEvent): void => {
    if ((event.target as Element).closest('button, .nbt-strip')) return;
    const run = this.runAt(...this.place(event));
    if (run >= 0) this.events.pick(this.data.ids[run]!, event.shiftKey || event.ctrlKey || event.metaKey);
  };
}
