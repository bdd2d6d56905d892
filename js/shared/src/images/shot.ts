import { h, messageOf } from '../dom';
import type { Picture } from './series';
import type { Pictures } from './pictures';

/** Up to this size in pixels an image is drawn with its pixels to be seen. */
const FEW_PIXELS = 160;

/** How far the place for an image follows its form. */
const MOST_WIDE = 4;
const MOST_HIGH = 0.75;

/** A place on the page where one image after another is shown. */
export class Shot {
  private readonly image = h('img', { class: 'nbt-shot-image', alt: '', draggable: 'false' });
  private readonly failed = h('span', { class: 'nbt-shot-failed', hidden: true });
  readonly element = h('button', { type: 'button', class: 'nbt-shot', 'data-state': 'empty' }, this.image, this.failed);
  private shown = '';
  private turn = 0;

  constructor(
    private readonly pictures: Pictures,
    enlarge: (click: MouseEvent) => void,
    formed: (form: string) => void = () => undefined
  ) {
    this.element.addEventListener('click', enlarge);
    this.image.addEventListener('load', () => {
      const { naturalWidth: width, naturalHeight: height } = this.image;
      // by the first image, so that nothing moves when there is another one
      if (!this.element.style.aspectRatio) {
        const form = String(Math.min(MOST_WIDE, Math.max(MOST_HIGH, width / height || 1)));
        this.element.style.aspectRatio = form;
        formed(form);
      }
      this.element.toggleAttribute('data-few-pixels', Math.max(width, height) <= FEW_PIXELS && !this.element.hasAttribute('data-small'));
    });
  }

  /** Say what is shown here, or will be when somebody comes to see it. */
  name(alt: string): void {
    this.image.alt = alt;
    this.element.setAttribute('aria-label', `Enlarge ${alt}`);
  }

  /**
   * Show an image: the small one as soon as it is here, then, where it is wanted, the whole one.
   *
   * What was shown before stays until then, so that a slider does not make the page flicker.
   */
  async show(picture: Picture, whole = true): Promise<void> {
    const { run, path, small } = picture;
    const key = `${run}/${path}`;
    this.element.dataset['path'] = path;
    const isNew = key !== this.shown;
    if (!isNew && (!whole || this.element.dataset['state'] === 'whole')) return;
    this.shown = key;
    const turn = ++this.turn;
    const wanted = (): boolean => turn === this.turn;
    try {
      if (isNew) {
        this.element.dataset['state'] = 'loading';
        const ready = this.pictures.get(run, path);
        if (!ready && small) {
          const url = await this.pictures.read(run, small, wanted).catch(() => null);
          if (!wanted()) return;
          if (url) this.put(url, 'small');
          if (url && !whole) return;
        }
      }
      const url = await this.pictures.read(run, path, wanted);
      if (url && wanted()) this.put(url, 'whole');
    } catch (error) {
      if (wanted()) this.fail(messageOf(error));
    }
  }

  private put(url: string, state: 'small' | 'whole'): void {
    this.failed.hidden = true;
    this.image.hidden = false;
    this.element.toggleAttribute('data-small', state === 'small');
    this.image.src = url;
    this.element.dataset['state'] = state;
  }

  private fail(why: string): void {
    this.image.hidden = true;
    this.failed.hidden = false;
    this.failed.textContent = why;
    this.element.dataset['state'] = 'failed';
  }
}

/** Have an image at hand before somebody asks for it. */
export function ahead(pictures: Pictures, { run, path, small }: Picture, wanted: () => boolean): void {
  if (pictures.get(run, path)) return;
  void pictures.read(run, small ?? path, wanted).catch(() => null); // it is asked for again when it is shown
}
