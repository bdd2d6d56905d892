import { h } from '../dom';
import type { ImagesView } from './images_view';

const STEPS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16];

/** What part of the images is looked at. */
type Part = Pick<ImagesView, 'zoom' | 'centre'>;

/**
 * One zoom for all images of a view, so that they show the same part.
 *
 * The wheel with Ctrl (or ⌘) and two buttons change it; dragging an image, or Shift and the arrows, move all.
 */
export class LinkedZoom {
  private readonly words = h('span', { class: 'nbt-zoom-words', role: 'status' }, '100 %');
  readonly element: HTMLElement;
  private level = 0;
  /** What stands in the middle, as parts of the image. */
  private centre: [x: number, y: number] = [0.5, 0.5];

  /** `changed` is told when images are larger or smaller, `settled` what part of them is looked at. */
  constructor(
    private readonly host: HTMLElement,
    private readonly changed: () => void,
    { zoom = 1, centre = [] }: Partial<Part> = {},
    private readonly settled: (part: Part) => void = () => undefined
  ) {
    this.level = Math.max(0, STEPS.indexOf(zoom));
    const [x, y] = centre;
    if (this.isOn && Number.isFinite(x) && Number.isFinite(y)) this.centre = [x!, y!];
    this.words.textContent = this.percent;
    const button = (label: string, sign: string, by: number): HTMLElement => {
      const made = h('button', { type: 'button', class: 'nbt-zoom-button', 'aria-label': label, title: label }, sign);
      made.addEventListener('click', () => this.set(this.level + by));
      return made;
    };
    this.element = h('span', { class: 'nbt-zoom', role: 'group', 'aria-label': 'Zoom of all images' }, 'Zoom', button('Zoom out', '−', -1), this.words, button('Zoom in', '+', 1));
    host.addEventListener('wheel', event => this.onWheel(event), { passive: false });
    host.addEventListener('pointerdown', event => this.onDrag(event));
    host.addEventListener('keydown', event => this.onKey(event));
    this.move(0, 0);
  }

  get isOn(): boolean {
    return this.level > 0;
  }

  /** From the whole image to its double size where it was clicked, and back. */
  toggle({ clientX, clientY, currentTarget, detail }: MouseEvent): void {
    const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
    // the keyboard clicks nowhere
    this.centre = detail === 0 ? [0.5, 0.5] : [(clientX - left) / width, (clientY - top) / height];
    this.set(this.isOn ? 0 : STEPS.indexOf(2));
  }

  private get percent(): string {
    return `${STEPS[this.level]! * 100} %`;
  }

  private tell(): void {
    this.settled({ zoom: STEPS[this.level]!, centre: this.centre.map(value => Number(value.toFixed(4))) });
  }

  private set(level: number): void {
    this.level = Math.min(STEPS.length - 1, Math.max(0, level));
    if (this.level === 0) this.centre = [0.5, 0.5];
    this.move(0, 0);
    this.words.textContent = this.percent;
    this.changed();
    this.tell();
  }

  /** Move what stands in the middle, by parts of what is seen. */
  private move(x: number, y: number): void {
    const scale = STEPS[this.level]!;
    const half = 0.5 / scale;
    const within = (value: number): number => Math.min(1 - half, Math.max(half, value));
    this.centre = [within(this.centre[0] + x / scale), within(this.centre[1] + y / scale)];
    this.apply();
  }

  private apply(): void {
    const scale = STEPS[this.level]!;
    const [x, y] = this.centre.map(value => `${((0.5 - value) * 100 * scale).toFixed(3)}%`);
    this.host.style.setProperty('--nbt-zoom', `translate(${x}, ${y}) scale(${scale})`);
    this.host.toggleAttribute('data-zoomed', this.isOn);
  }

  private onWheel(event: WheelEvent): void {
    if (!(event.ctrlKey || event.metaKey) || !(event.target as Element).closest('.nbt-shot')) return;
    event.preventDefault();
    this.set(this.level + (event.deltaY < 0 ? 1 : -1));
  }

  private onKey(event: KeyboardEvent): void {
    const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!by || !event.shiftKey || !this.isOn) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(by[0]!, by[1]!);
    this.tell();
  }

  private onDrag(event: PointerEvent): void {
    const shot = (event.target as Element).closest<HTMLElement>('.nbt-shot');
    if (!shot || !this.isOn || event.button !== 0) return;
    const { width, height } = shot.getBoundingClientRect();
    let [x, y, moved] = [event.clientX, event.clientY, false];
    const drag = (next: PointerEvent): void => {
      if (!moved && Math.hypot(next.clientX - x, next.clientY - y) < 4) return;
      moved = true;
      this.move((x - next.clientX) / width, (y - next.clientY) / height);
      [x, y] = [next.clientX, next.clientY];
    };
    const end = (): void => {
      removeEventListener('pointermove', drag);
      removeEventListener('pointerup', end);
      removeEventListener('pointercancel', end);
      if (moved) this.tell();
      // what was dragged was not clicked
      if (moved) addEventListener('click', stop, { capture: true, once: true });
      setTimeout(() => removeEventListener('click', stop, { capture: true }));
    };
    const stop = (click: Event): void => click.stopPropagation();
    addEventListener('pointermove', drag);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  }
}
