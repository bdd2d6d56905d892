import type { Backend } from '../backend';
import { errorBox, h, messageOf } from '../dom';
import { byName } from '../format';
import { released } from '../presses';
import css from '../style_images.css';
import { ImageCard } from './image_card';
import { type ImagesView, WHOLE_IMAGES, withStep } from './images_view';
import { Pictures } from './pictures';
import { imagesOf } from './series';

/** From so many keys on a field above them leaves those whose names have what is typed. */
const MANY_KEYS = 10;

/** The images that a run has logged by key and step: for each key a slider over its steps. */
export class ImagePanel {
  private readonly pictures: Pictures;
  private readonly problem = h('div', {});
  private readonly search = h('input', { type: 'search', class: 'nbt-search nbt-alone', 'aria-label': 'Filter images by key', placeholder: 'Filter keys …', hidden: true });
  private readonly grid = h('div', { class: 'nbt-images' }, h('p', { class: 'nbt-empty' }, 'Loading the images …'));
  private readonly cards = new Map<string, ImageCard>();
  private readonly seen: IntersectionObserver;
  private view: ImagesView;
  private turn = 0;

  constructor(
    panel: HTMLElement,
    private readonly backend: Backend,
    private readonly runId: string,
    view: Partial<ImagesView> = {},
    private readonly onView: (view: ImagesView) => void = () => undefined
  ) {
    this.view = { ...WHOLE_IMAGES, ...view };
    this.pictures = new Pictures(backend);
    panel.replaceChildren(h('style', {}, css), this.problem, this.search, this.grid);
    this.search.addEventListener('input', () => this.filter());
    this.seen = new IntersectionObserver(
      entries => {
        for (const { target, isIntersecting } of entries) this.cards.get((target as HTMLElement).dataset['key']!)?.setVisible(isIntersecting);
      },
      { rootMargin: '200px' }
    );
    void this.refresh();
  }

  /** Ask again: a live run logs more. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    try {
      const { body } = await this.backend.ask('run.images', { run_id: this.runId });
      await released(this.grid);
      if (turn !== this.turn) return;
      this.problem.replaceChildren();
      const all = imagesOf(body);
      for (const images of all) {
        const card = this.cards.get(images.key);
        if (card) card.set(images);
        else this.add(images.key, new ImageCard(images, this.pictures, this.view, step => this.keep(images.key, step)));
      }
      if (all.length > 0) this.grid.querySelector('.nbt-empty')?.remove();
      else this.grid.replaceChildren(h('p', { class: 'nbt-empty' }, 'There are no images by key among the artifacts of this run.'));
      this.search.hidden = this.cards.size < MANY_KEYS;
      this.filter();
    } catch (error) {
      if (turn === this.turn) this.problem.replaceChildren(errorBox(messageOf(error)));
    }
  }

  dispose(): void {
    this.turn++;
    this.seen.disconnect();
    for (const card of this.cards.values()) card.dispose();
    this.pictures.dispose();
  }

  private keep(key: string, step: number | null): void {
    this.view = withStep(this.view, key, step);
    this.onView(this.view);
  }

  private add(key: string, card: ImageCard): void {
    this.cards.set(key, card);
    // by key, as they would stand had they been here from the beginning
    const after = [...this.cards.keys()].filter(other => byName(other, key) > 0).sort(byName)[0];
    this.grid.insertBefore(card.element, after === undefined ? null : this.cards.get(after)!.element);
    this.seen.observe(card.element);
  }

  private filter(): void {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const [key, { element }] of this.cards) element.hidden = !words.every(word => key.toLowerCase().includes(word));
  }
}
