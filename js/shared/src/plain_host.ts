import type { AppHost, NotifyOptions, Tone } from './app_host';
import type { Highlighter } from './details/highlighter';
import { h } from './dom';
import { PlainHighlighter } from './plain_highlighter';

const SAID_MS = 5000;

/** A page without a notebook: it says things in a corner, and asks in dialogs. */
export class PlainHost implements AppHost {
  readonly insert = null;
  private readonly notices = h('div', { class: 'nbt notices', role: 'status', 'aria-live': 'polite' });

  constructor(private readonly host: HTMLElement) {
    host.append(this.notices);
  }

  notify(tone: Tone, text: string, { ms, undo }: NotifyOptions = {}): void {
    const notice = h('div', { class: 'notice', 'data-tone': tone }, h('span', {}, text));
    const end = (): void => notice.remove();
    if (undo) {
      const back = h('button', { type: 'button', class: 'nbt-link' }, 'Undo');
      back.addEventListener('click', () => {
        end();
        void undo();
      });
      notice.append(back);
    }
    const close = h('button', { type: 'button', class: 'notice-close', 'aria-label': 'Close' }, '×');
    close.addEventListener('click', end);
    notice.append(close);
    this.notices.append(notice);
    // what went wrong stays until it was read
    if (tone !== 'error') setTimeout(end, ms ?? SAID_MS);
  }

  prompt<T>(title: string, fields: HTMLElement[], value: () => T, label: string): Promise<T | null> {
    return this.dialog(title, fields, value, label, false);
  }

  async confirm(title: string, text: string, label: string): Promise<boolean> {
    return (await this.dialog(title, [h('p', {}, text)], () => true, label, true)) ?? false;
  }

  opensFile(): null {
    return null; // no page of ours reads files that are not artifacts
  }

  highlighter(): Highlighter {
    return new PlainHighlighter();
  }

  private dialog<T>(title: string, content: HTMLElement[], value: () => T, label: string, danger: boolean): Promise<T | null> {
    const cancel = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Cancel');
    const go = h('button', { type: 'submit', class: `nbt-lab-button nbt-main${danger ? ' danger' : ''}` }, label);
    const heading = h('h2', { id: 'dialog-title' }, title);
    const form = h('form', { method: 'dialog' }, heading, h('div', { class: 'nbt-dialog' }, ...content), h('div', { class: 'dialog-buttons' }, cancel, go));
    const dialog = h('dialog', { class: 'nbt dialog', 'aria-labelledby': heading.id }, form);
    this.host.append(dialog);
    return new Promise(resolve => {
      let found: T | null = null;
      cancel.addEventListener('click', () => dialog.close());
      form.addEventListener('submit', () => void (found = value()));
      dialog.addEventListener('close', () => {
        dialog.remove();
        resolve(found);
      });
      dialog.showModal();
      (form.querySelector<HTMLElement>('textarea, select, input:not([readonly])') ?? go).focus();
    });
  }
}
