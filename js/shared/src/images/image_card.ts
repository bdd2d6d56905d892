import { h } from '../dom';
import { counted, formatNumber } from '../format';
import { enlarge, type Enlarged } from './enlarged';
import { type ImagesView, placeToBegin } from './images_view';
import type { Pictures } from './pictures';
import { type KeyedImages, placeAfter, stepWords } from './series';
import { ahead, Shot } from './shot';
import { StepSlider } from './step_slider';

/** So many images of one step are shown side by side. */
const MOST_OF_STEP = 24;

/** The images of one key of a run, with a slider over its steps. */
export class ImageCard {
  private readonly count = h('small', {});
  private readonly shots = h('div', { class: 'nbt-shots' });
  private readonly more = h('p', { class: 'nbt-why', hidden: true });
  private readonly slider: StepSlider;
  private readonly all: Shot[] = [];
  readonly element: HTMLElement;
  private images: KeyedImages;
  private place = -1;
  private visible = false;

  constructor(
    images: KeyedImages,
    private readonly pictures: Pictures,
    private begin: Partial<ImagesView> = {},
    settled: (step: number | null) => void = () => undefined
  ) {
    this.images = { ...images, steps: [] };
    this.slider = new StepSlider(
      images.key,
      place => this.show(place),
      place => settled(place < this.images.steps.length - 1 ? (this.images.steps[place]?.step ?? null) : null)
    );
    const title = h('h4', { title: images.key }, images.key, this.count);
    this.element = h('section', { class: 'nbt-images-card', 'aria-label': images.key, 'data-key': images.key }, title, this.shots, this.more, this.slider.element);
    this.set(images);
  }

  /** Have these images: of a live run there are more each time. */
  set(images: KeyedImages): void {
    const before = this.images.steps.map(({ step }) => step);
    const steps = images.steps.map(({ step }) => step);
    const place = placeToBegin(this.begin, images.key, images.steps) ?? placeAfter(before, this.place < 0 ? before.length : this.place, steps);
    if (steps.length > 0) this.begin = {};
    this.images = images;
    this.count.textContent = images.left > 0 ? `${formatNumber(images.total - images.left)} of ${counted(images.total, 'image')}` : counted(steps.length, 'step');
    this.slider.set(steps.length, place);
    void this.show(place);
  }

  /** Whether somebody sees it; until then nothing is read. */
  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    if (visible) void this.show(this.place);
  }

  dispose(): void {
    this.slider.stop();
  }

  private async show(place: number): Promise<void> {
    const step = this.images.steps[place];
    if (!step) return;
    this.place = place;
    this.element.dataset['step'] = String(step.step);
    this.slider.say(this.images.steps.length > 1 ? `${stepWords(step)} (${formatNumber(place + 1)} of ${formatNumber(this.images.steps.length)})` : stepWords(step));
    const shown = step.pictures.slice(0, MOST_OF_STEP);
    this.shots.toggleAttribute('data-many', shown.length > 1);
    while (this.all.length < shown.length) {
      const i = this.all.length;
      this.all.push(new Shot(this.pictures, () => this.enlarge(i)));
    }
    for (const [i, { element }] of this.all.entries()) {
      if (i >= shown.length) element.remove();
      else if (element.parentElement !== this.shots) this.shots.append(element);
    }
    this.more.hidden = step.pictures.length <= MOST_OF_STEP;
    this.more.textContent = `The first ${MOST_OF_STEP} of ${step.pictures.length} images of this step; all are among the artifacts.`;
    shown.forEach((_, i) => this.all[i]!.name(this.alt(place, i)));
    if (!this.visible) return;
    await Promise.all(shown.map((picture, i) => this.all[i]!.show(picture)));
    if (place !== this.place) return;
    // the one behind is needed less often: what is asked for last is read first
    for (const beside of [this.images.steps[place - 1], this.images.steps[place + 1]]) {
      for (const picture of beside?.pictures.slice(0, MOST_OF_STEP) ?? []) ahead(this.pictures, picture, () => Math.abs(place - this.place) <= 1);
    }
  }

  private alt(place: number, i: number): string {
    const step = this.images.steps[place]!;
    const which = step.pictures.length > 1 ? `, image ${i + 1} of ${step.pictures.length}` : '';
    return `${this.images.key}, step ${formatNumber(step.step)}${which}`;
  }

  private enlarge(i: number): void {
    const at = (): Enlarged | null => {
      const step = this.images.steps[this.place]!;
      const picture = step.pictures[Math.min(i, step.pictures.length - 1)]!;
      const image = this.pictures.read(picture.run, picture.path, () => true);
      return { title: `${this.images.key}, ${stepWords(step)}`, alt: this.alt(this.place, i), image };
    };
    enlarge(this.element, at()!, by => (this.slider.move(by) ? at() : null));
  }
}
