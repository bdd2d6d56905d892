import type { Backend } from '../backend';
import { errorBox, h, messageOf } from '../dom';
import { formatNumber } from '../format';
import { keepFocus } from '../kept_focus';
import { released } from '../presses';
import css from '../style_images.css';
import { ComparedImages } from './compared';
import { type ImagesView, placeToBegin, WHOLE_IMAGES, withStep } from './images_view';
import { LinkedZoom } from './linked_zoom';
import { Pictures } from './pictures';
import { placeAfter } from './series';
import { ahead, Shot } from './shot';
import { StepSlider } from './step_slider';

/** So many keys are shown before somebody asks for the others. */
const FIRST_KEYS = 12;
/** The small images have so many pixels. */
const SMALL = 256;

export interface ShownRun {
  id: string;
  name: string;
  colour: string;
}

interface Cell {
  run: string;
  key: string;
  shot: Shot;
  words: HTMLElement;
  element: HTMLElement;
  seen: boolean;
}

/** Images of runs side by side: a row for each key, a column for each run, one slider for the step of all. */
export class ComparedImagesView {
  private readonly note = h('p', { class: 'nbt-note', hidden: true });
  private readonly slider = new StepSlider(
    'all images',
    () => this.showStep(),
    place => this.keep(withStep(this.view, '', place < this.steps.length - 1 ? (this.steps[place] ?? null) : null))
  );
  private readonly size = h('input', { type: 'range', min: 96, max: 480, step: 16, value: 168, class: 'nbt-step-range', 'aria-label': 'Width of the images' });
  private readonly zoom: LinkedZoom;
  private readonly bar: HTMLElement;
  private readonly place = h('div', { class: 'nbt-wide nbt-compared', tabindex: 0, role: 'region', 'aria-label': 'Images of the runs' });
  private readonly pictures: Pictures;
  private readonly cells = new Map<Element, Cell>();
  private readonly watch: IntersectionObserver;
  private images = new ComparedImages([]);
  private runs: readonly ShownRun[] = [];
  private steps: readonly number[] = [];
  private allKeys = false;
  private view: ImagesView;
  /** Whether the slider has taken the step that it is to begin with. */
  private begun = false;
  /** By key, the form of its first image. */
  private readonly forms = new Map<string, string>();
  private turn = 0;

  /** `available` is told whether any of the runs has images, or what else there is to say of them. */
  constructor(
    root: HTMLElement,
    private readonly backend: Backend,
    private readonly highlight: (runId: string | null) => void,
    private readonly available: (any: boolean) => void,
    view: Partial<ImagesView> = {},
    private readonly onView: (view: ImagesView) => void = () => undefined
  ) {
    this.view = { ...WHOLE_IMAGES, ...view };
    this.size.value = String(this.view.size);
    this.pictures = new Pictures(backend);
    this.zoom = new LinkedZoom(
      this.place,
      () => void this.showStep(),
      this.view,
      part => this.keep({ ...this.view, ...part })
    );
    const sized = h('label', { class: 'nbt-choice' }, 'Size', this.size);
    this.bar = h('div', { class: 'nbt-compared-bar' }, this.slider.element, sized, this.zoom.element);
    root.append(h('style', {}, css), this.note, this.bar, this.place);
    this.size.addEventListener('input', () => this.resize());
    this.size.addEventListener('change', () => this.keep({ ...this.view, size: Number(this.size.value) }));
    this.watch = new IntersectionObserver(entries => this.onSeen(entries), { rootMargin: '150px' });
    this.resize();
  }

  /** Show these runs. */
  setRuns(runs: readonly ShownRun[]): void {
    this.runs = runs;
    void this.load();
  }

  refresh(): void {
    if (this.runs.length > 0) void this.load();
  }

  dispose(): void {
    this.turn++;
    this.slider.stop();
    this.watch.disconnect();
    this.pictures.dispose();
  }

  private async load(): Promise<void> {
    const turn = ++this.turn;
    try {
      const { body } = await this.backend.ask('compare.images', { run_ids: this.runs.map(({ id }) => id) });
      await released(this.place);
      if (turn !== this.turn) return;
      this.note.textContent = body.note;
      this.note.hidden = body.note === '';
      this.images = new ComparedImages(body.runs);
      this.available(body.runs.length > 0 || body.note !== '');
      this.render();
    } catch (error) {
      if (turn === this.turn) this.place.replaceChildren(errorBox(messageOf(error)));
    }
  }

  private render(): void {
    const { keys, steps } = this.images;
    const begin = this.begun ? null : placeToBegin(this.view, '', steps.map(step => ({ step })));
    this.begun ||= steps.length > 0;
    const place = begin ?? placeAfter(this.steps, this.slider.place, steps);
    this.steps = steps;
    this.slider.set(steps.length, Math.max(0, place));
    this.bar.hidden = keys.length === 0;
    this.place.hidden = keys.length === 0;
    this.watch.disconnect();
    const before = new Map([...this.cells.values()].map(cell => [`${cell.run} ${cell.key}`, cell]));
    this.cells.clear();
    const shown = this.allKeys ? keys : keys.slice(0, FIRST_KEYS);
    const heads = this.runs.map(run => this.head(run));
    const rows = shown.map(key => h('tr', {}, h('th', { scope: 'row', title: key }, key), ...this.runs.map(run => this.cell(run, key, before).element)));
    const table = h('table', {}, h('thead', {}, h('tr', {}, h('td', {}), ...heads)), h('tbody', {}, ...rows));
    keepFocus(this.place, () => this.place.replaceChildren(table));
    if (shown.length < keys.length) {
      const all = h('button', { type: 'button', class: 'nbt-link' }, `All ${keys.length} keys`);
      all.addEventListener('click', () => {
        this.allKeys = true;
        this.render();
      });
      this.place.append(all);
    }
    void this.showStep();
    for (const element of this.cells.keys()) this.watch.observe(element);
  }

  private keep(view: ImagesView): void {
    this.view = view;
    this.onView(view);
  }

  private head({ id, name, colour }: ShownRun): HTMLElement {
    const dot = h('i', { class: 'nbt-dot', 'aria-hidden': 'true' });
    dot.style.background = colour;
    const cell = h('th', { scope: 'col', title: name }, dot, name);
    cell.addEventListener('pointerenter', () => this.highlight(id));
    cell.addEventListener('pointerleave', () => this.highlight(null));
    return cell;
  }

  private cell(run: ShownRun, key: string, before: ReadonlyMap<string, Cell>): Cell {
    const known = before.get(`${run.id} ${key}`);
    const cell = known ?? this.newCell(run.id, key);
    cell.seen = false; // the observer says it again
    this.cells.set(cell.element, cell);
    return cell;
  }

  private newCell(run: string, key: string): Cell {
    const shot = new Shot(this.pictures, at => this.zoom.toggle(at), form => this.takeForm(key, form));
    const words = h('small', {});
    const element = h('td', { 'data-run': run, 'data-key': key }, shot.element, words);
    element.style.setProperty('--nbt-form', this.forms.get(key) ?? '1');
    return { run, key, shot, words, element, seen: false };
  }

  /** What has not come into view yet has the place of the images of its row: most are of one form. */
  private takeForm(key: string, form: string): void {
    if (this.forms.has(key)) return;
    this.forms.set(key, form);
    for (const cell of this.cells.values()) if (cell.key === key) cell.element.style.setProperty('--nbt-form', form);
  }

  private async showStep(): Promise<void> {
    const step = this.steps[this.slider.place];
    if (step === undefined) return;
    this.slider.say(this.steps.length > 1 ? `step ${formatNumber(step)} (${formatNumber(this.slider.place + 1)} of ${formatNumber(this.steps.length)})` : `step ${formatNumber(step)}`);
    // what is asked for last is read first: from the top
    await Promise.all([...this.cells.values()].reverse().map(cell => this.showCell(cell, step)));
    const next = this.steps[this.slider.place + 1];
    if (next === undefined || step !== this.steps[this.slider.place]) return;
    for (const cell of this.cells.values()) {
      const found = cell.seen ? this.images.at(cell.run, cell.key, next) : null;
      if (found && 'at' in found) ahead(this.pictures, found.at.pictures.at(-1)!, () => step === this.steps[this.slider.place]);
    }
  }

  private async showCell(cell: Cell, step: number): Promise<void> {
    const { run, key, shot, words, element } = cell;
    const found = this.images.at(run, key, step);
    const has = 'at' in found;
    element.toggleAttribute('data-nothing', !has);
    shot.element.hidden = !has;
    if (!has) {
      words.textContent = found.nothing;
      return;
    }
    const { at, exact } = found;
    const many = at.pictures.length > 1 ? `, the last of ${at.pictures.length}` : '';
    words.textContent = `${exact ? '' : 'nearest: '}step ${formatNumber(at.step)}${many}`;
    element.dataset['step'] = String(at.step);
    const name = this.runs.find(({ id }) => id === run)?.name ?? run;
    shot.name(`${key} of ${name}, step ${formatNumber(at.step)}`);
    if (cell.seen) await shot.show(at.pictures.at(-1)!, this.wantsWhole());
  }

  /** The small images are enough for small cells. */
  private wantsWhole(): boolean {
    return Number(this.size.value) * devicePixelRatio > SMALL || this.zoom.isOn;
  }

  private onSeen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const cell = this.cells.get(target);
      if (cell) cell.seen = isIntersecting;
    }
    void this.showStep();
  }

  private resize(): void {
    this.place.style.setProperty('--nbt-shot', `${this.size.value}px`);
    this.size.setAttribute('aria-valuetext', `${this.size.value} pixels`);
    void this.showStep();
  }
}
