import type { Highlighter } from './details/highlighter';
import { h } from './dom';
import { tokensOf } from './code_tokens';
import { markdownNodes } from './markdown';

/** Code with a few colours, and documents, without a library. */
export class PlainHighlighter implements Highlighter {
  code(source: string, language = 'python'): HTMLElement {
    const code = h('code');
    for (const { kind, text } of tokensOf(source, language)) code.append(kind ? h('span', { class: `tok-${kind}` }, text) : text);
    return h('div', { class: 'nbt-code', tabindex: 0, role: 'group', 'aria-label': 'Source' }, h('pre', {}, code));
  }

  markdown(text: string): Promise<HTMLElement> {
    return Promise.resolve(h('div', { class: 'markdown' }, ...markdownNodes(text, (source, language) => this.code(source, language))));
  }

  dispose(): void {
    // nothing is held
  }
}
