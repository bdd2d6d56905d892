import { h } from '@nbtrack/shared/dom';
import { type IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import type { Details, Source } from '../answers';
import { lackingText } from '../run_actions';
import { section } from './parts';

/** Python with JupyterLab's own colours. */
export class Highlighter {
  private readonly shown: Widget[] = [];

  constructor(private readonly rendermime: IRenderMimeRegistry) {}

  /** An element with the code; the colours come a moment later. */
  code(source: string, language = 'python'): HTMLElement {
    // longer than any fence inside the source
    const longest = Math.max(2, ...[...source.matchAll(/`+/g)].map(found => found[0].length));
    const fence = '`'.repeat(longest + 1);
    const markdown = `${fence}${language}\n${source}\n${fence}`;
    const renderer = this.rendermime.createRenderer('text/markdown');
    const host = h('div', { class: 'nbt-code', tabindex: 0, role: 'group', 'aria-label': 'Source' });
    host.append(renderer.node);
    this.shown.push(renderer);
    void renderer.renderModel(new MimeModel({ data: { 'text/markdown': markdown }, trusted: false }));
    return host;
  }

  /** A document of some MIME type, as JupyterLab shows it; what is not trusted is made safe. */
  async rendered(mime: string, value: unknown): Promise<HTMLElement> {
    const renderer = this.rendermime.createRenderer(mime);
    this.shown.push(renderer);
    await renderer.renderModel(new MimeModel({ data: { [mime]: value as never }, trusted: false }));
    return renderer.node;
  }

  dispose(): void {
    for (const widget of this.shown.splice(0)) widget.dispose();
  }
}

export interface SourceHandlers {
  insert(): void;
  copy(text: string): void;
}

/** The cell of a run, and the earlier ones that it needed. */
export function showSource(
  panel: HTMLElement,
  details: Details,
  source: Source,
  highlighter: Highlighter,
  handlers: SourceHandlers
): void {
  const { cells } = source;
  const text = details.source?.text ?? cells.at(-1)?.source;
  if (!text) {
    panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'This run has kept no source: it was not made by a cell.'));
    return;
  }
  const insert = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Insert into notebook');
  insert.addEventListener('click', handlers.insert);
  const copy = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Copy');
  copy.addEventListener('click', () => handlers.copy(text));
  const count = details.source?.execution_count;
  const title = count === null || count === undefined ? 'The cell' : `The cell, executed as [${count}]`;
  const parts = [section(title, h('div', { class: 'nbt-buttons' }, insert, copy), highlighter.code(text))];
  const lacking = lackingText(source);
  if (lacking) parts.push(h('p', { class: 'nbt-lacking', role: 'note' }, lacking));
  const earlier = cells.slice(0, -1);
  if (earlier.length > 0) {
    parts.push(
      section(
        'Earlier cells that it needed',
        ...earlier.flatMap(cell => [h('p', { class: 'nbt-why' }, cell.why), highlighter.code(cell.source)])
      )
    );
  }
  panel.replaceChildren(...parts);
}
