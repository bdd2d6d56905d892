import { type IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import type { Highlighter } from '@nbtrack/shared/details/highlighter';
import { h } from '@nbtrack/shared/dom';

/** Code with JupyterLab's own colours, and documents as JupyterLab shows them. */
export class LabHighlighter implements Highlighter {
  private readonly shown: Widget[] = [];

  constructor(private readonly rendermime: IRenderMimeRegistry) {}

  /** An element with the code; the colours come a moment later. */
  code(source: string, language = 'python'): HTMLElement {
    // longer than any fence inside the source
    const longest = Math.max(2, ...[...source.matchAll(/`+/g)].map(found => found[0].length));
    const fence = '`'.repeat(longest + 1);
    const host = h('div', { class: 'nbt-code', tabindex: 0, role: 'group', 'aria-label': 'Source' });
    void this.markdown(`${fence}${language}\n${source}\n${fence}`).then(node => host.append(node));
    return host;
  }

  /** A document; what is not trusted is made safe. */
  async markdown(text: string): Promise<HTMLElement> {
    const renderer = this.rendermime.createRenderer('text/markdown');
    this.shown.push(renderer);
    await renderer.renderModel(new MimeModel({ data: { 'text/markdown': text }, trusted: false }));
    return renderer.node;
  }

  dispose(): void {
    for (const widget of this.shown.splice(0)) widget.dispose();
  }
}
