import { h } from './dom';

/** Who does not answer sooner, such as a kernel that runs a cell, is waited for, and the field says so. */
const LATE_MS = 800;

export interface TypingEvents {
  /** Whether a text cannot be read as a filter yet, and may when more is typed. */
  unfinished(text: string): Promise<boolean>;
  search(text: string): void;
  /** It is unfinished now: what was wrong with the text before is of no interest. */
  typing(): void;
}

/**
 * When the text of a filter's field is searched for: at rest, at once with Enter, and when the field is left.
 *
 * At rest, what is unfinished is left alone: nothing is wrong with it yet, and the last result stays.
 */
export class FilterTyping {
  readonly hint = h('small', { class: 'nbt-unfinished', role: 'status' });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private turn = 0;

  constructor(
    private readonly input: HTMLInputElement,
    private readonly restMs: number,
    private readonly events: TypingEvents
  ) {
    input.addEventListener('input', () => {
      this.stop();
      this.timer = setTimeout(() => void this.look(), this.restMs);
    });
    input.addEventListener('keydown', event => event.key === 'Enter' && this.commit());
    input.addEventListener('change', () => this.commit());
  }

  /** Search for what is in the field, whatever it is. */
  commit(): void {
    this.stop();
    this.show('');
    this.events.search(this.input.value);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.turn++;
  }

  private async look(): Promise<void> {
    const { input, turn, events } = this;
    if (input.value.trim() === '') return this.commit();
    this.timer = setTimeout(() => this.show('waiting …'), LATE_MS);
    // who cannot say, such as a server that is older, is asked for what was typed as it is
    const unfinished = await events.unfinished(input.value).catch(() => false);
    if (turn !== this.turn) return;
    if (!unfinished) return this.commit();
    clearTimeout(this.timer);
    this.show('not finished');
    events.typing();
  }

  private show(words: '' | 'not finished' | 'waiting …'): void {
    if (this.hint.textContent !== words) this.hint.textContent = words;
    this.input.toggleAttribute('data-unfinished', words === 'not finished');
  }
}
