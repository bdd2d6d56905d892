import { h } from '../dom';

const PLAY_MS = 350;
const PLAY = '▶\uFE0E';
const PAUSE = '❚❚';

/** A slider over places, with what stands at each in words; arrows, Home and End are the browser's own. */
export class StepSlider {
  private readonly range = h('input', { type: 'range', min: 0, max: 0, step: 1, class: 'nbt-step-range' });
  private readonly words = h('span', { class: 'nbt-step-words' });
  private readonly button = h('button', { type: 'button', class: 'nbt-step-play', 'aria-pressed': 'false' }, PLAY);
  readonly element = h('div', { class: 'nbt-step' }, this.button, this.range, this.words);
  private playing = false;

  /** `label` says whose steps they are; `moved` shows a place, and what is played waits for it; `settled` hears where it stays. */
  constructor(
    label: string,
    private readonly moved: (place: number) => Promise<unknown>,
    private readonly settled: (place: number) => void = () => undefined
  ) {
    this.range.setAttribute('aria-label', `Step of ${label}`);
    this.button.setAttribute('aria-label', `Play the steps of ${label}`);
    this.button.title = 'Play';
    this.range.addEventListener('input', () => {
      this.stop();
      void this.moved(this.place);
    });
    this.range.addEventListener('change', () => this.settled(this.place));
    this.button.addEventListener('click', () => (this.playing ? this.stop() : void this.play()));
  }

  get place(): number {
    return Number(this.range.value);
  }

  /** Have so many places, and stand at one of them. */
  set(count: number, place: number): void {
    this.range.max = String(Math.max(0, count - 1));
    this.range.value = String(place);
    this.range.disabled = count < 2;
    this.element.toggleAttribute('data-single', count < 2);
  }

  say(text: string): void {
    this.range.setAttribute('aria-valuetext', text);
    this.words.textContent = text;
  }

  /** Stand at the next place, or one before; says whether there was one. */
  move(by: number): boolean {
    const to = this.place + by;
    if (to < 0 || to > Number(this.range.max)) return false;
    this.range.value = String(to);
    void this.moved(to);
    this.settled(to);
    return true;
  }

  stop(): void {
    if (this.playing) this.settled(this.place);
    this.playing = false;
    this.button.setAttribute('aria-pressed', 'false');
    this.button.textContent = PLAY;
  }

  private async play(): Promise<void> {
    this.playing = true;
    this.button.setAttribute('aria-pressed', 'true');
    this.button.textContent = PAUSE;
    const last = (): number => Number(this.range.max);
    for (let place = this.place >= last() ? 0 : this.place + 1; this.playing && place <= last(); place++) {
      this.range.value = String(place);
      await this.moved(place);
      await new Promise(done => setTimeout(done, PLAY_MS));
    }
    this.stop();
  }
}
