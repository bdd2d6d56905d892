import { h } from '../dom';

export interface NoteOptions {
  label: string;
  hint: string;
  /** Store a text; whether that was done. */
  save(text: string): Promise<boolean>;
}

/**
 * A text that is written in its place, and saved when it is left, or with Ctrl+Enter; Escape brings back what is stored.
 *
 * It stays the same element while a page around it shows news: who writes is not disturbed.
 */
export class NoteEditor {
  readonly element: HTMLElement;
  private readonly text: HTMLTextAreaElement;
  private readonly status = h('p', { class: 'nbt-note-status', role: 'status' });
  private stored = '';
  private saving = 0;

  constructor({ label, hint, save }: NoteOptions) {
    this.keep = save;
    this.text = h('textarea', { class: 'nbt-note-field', rows: 3, 'aria-label': label, placeholder: hint });
    this.element = h('div', { class: 'nbt-note-editor' }, this.text, this.status);
    this.text.addEventListener('input', () => {
      this.status.textContent = '';
      this.fit();
    });
    this.text.addEventListener('blur', () => void this.save());
    this.text.addEventListener('keydown', event => this.onKey(event));
  }

  private readonly keep: NoteOptions['save'];

  /** Have the text that is stored; what somebody has written meanwhile stays. */
  set(note: string): void {
    if (this.saving > 0) return; // read before it was written
    const changed = this.isChanged;
    this.stored = note;
    if (!changed && this.text.value !== note) this.text.value = note;
    requestAnimationFrame(() => this.fit());
  }

  /** Save what is written, if that is another text than what is stored. */
  async save(): Promise<void> {
    if (!this.isChanged) return;
    const before = this.stored;
    this.stored = this.text.value.trim();
    this.status.textContent = 'Saving …';
    this.saving++;
    const saved = await this.keep(this.stored);
    this.saving--;
    if (!saved) this.stored = before;
    if (this.saving === 0) this.status.textContent = saved ? 'Saved' : 'Not saved';
  }

  private get isChanged(): boolean {
    return this.text.value.trim() !== this.stored.trim();
  }

  private fit(): void {
    this.text.style.height = 'auto';
    if (this.text.scrollHeight > 0) this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 240)}px`;
  }

  private onKey(event: KeyboardEvent): void {
    const saves = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
    if (!saves && (event.key !== 'Escape' || !this.isChanged)) return;
    event.preventDefault();
    event.stopPropagation();
    if (saves) return void this.save();
    this.text.value = this.stored;
    this.fit();
  }
}
