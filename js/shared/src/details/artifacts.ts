import { errorBox, h, messageOf } from '../dom';
import type { ArtifactFile } from '../requests';
import { problemBox } from '../empty_states';
import { problemOf } from '../problem';
import type { FileSource } from './file_source';
import { byName, formatBytes } from '../format';
import { previewOf } from './preview';
import type { Highlighter } from './highlighter';

interface Node {
  file: ArtifactFile;
  level: number;
  open: boolean;
  children: Node[] | null;
}

let trees = 0;

/** Files as a tree, and beside it a look into the one that is chosen. */
export class ArtifactBrowser {
  private readonly tree = h('div', { class: 'nbt-files', role: 'tree', tabindex: 0, 'aria-label': 'Artifacts' });
  private readonly preview = h('div', { class: 'nbt-preview', role: 'region', 'aria-label': 'Preview', 'aria-live': 'polite' });
  private readonly prefix = `nbt-files-${++trees}`;
  private roots: Node[] = [];
  private active = 0;
  private turn = 0;
  private takeAway: () => void = () => undefined;

  constructor(
    private readonly panel: HTMLElement,
    private readonly source: FileSource,
    private readonly highlighter: Highlighter
  ) {
    this.tree.addEventListener('keydown', event => this.onKey(event));
    this.tree.addEventListener('click', event => this.onClick(event));
    void this.load();
  }

  dispose(): void {
    this.turn++;
    this.takeAway();
  }

  private get rows(): Node[] {
    const flat = (nodes: Node[]): Node[] => nodes.flatMap(n => [n, ...(n.open && n.children ? flat(n.children) : [])]);
    return flat(this.roots);
  }

  private async load(): Promise<void> {
    try {
      this.roots = await this.read('', 1);
    } catch (error) {
      this.panel.replaceChildren(problemBox(problemOf(error), () => void this.load()));
      return;
    }
    if (this.roots.length === 0) {
      const how = h('pre', { tabindex: 0, 'aria-label': 'Example' }, 'nbtrack.log_artifact("plot.png")');
      this.panel.replaceChildren(h('div', { class: 'nbt-teach nbt-left' }, h('h3', {}, 'No artifacts'), h('p', {}, 'Files, figures and tables of a run are kept with it:'), how));
      return;
    }
    this.panel.replaceChildren(h('div', { class: 'nbt-browser' }, this.tree, this.preview));
    const rows = this.rows;
    this.active = Math.max(0, rows.findIndex(node => !node.file.is_dir));
    this.draw();
    this.show();
  }

  private async read(path: string, level: number): Promise<Node[]> {
    const files = [...(await this.source.list(path))].sort((a, b) => Number(b.is_dir) - Number(a.is_dir) || byName(a.path, b.path));
    return files.map(file => ({ file, level, open: false, children: null }));
  }

  private draw(): void {
    const rows = this.rows;
    this.tree.replaceChildren(...rows.map((node, i) => this.row(node, i)));
    this.tree.setAttribute('aria-activedescendant', `${this.prefix}-${this.active}`);
    this.tree.children[this.active]?.scrollIntoView({ block: 'nearest' });
  }

  private row({ file, level, open }: Node, at: number): HTMLElement {
    const name = file.path.split('/').at(-1) ?? file.path;
    const caret = h('span', { class: 'nbt-caret', 'aria-hidden': 'true', 'data-open': file.is_dir ? open : undefined });
    if (file.is_dir && !open) caret.setAttribute('data-open', 'false');
    const line = h('div', { class: 'nbt-line' }, caret, h('span', { class: 'nbt-row-name', title: file.path }, name));
    if (!file.is_dir) line.append(h('span', { class: 'nbt-row-fact' }, formatBytes(file.size)));
    const row = h('div', {
      role: 'treeitem',
      id: `${this.prefix}-${at}`,
      class: 'nbt-row',
      'aria-level': level,
      'aria-selected': String(at === this.active),
      'aria-label': file.is_dir ? `${name}, folder` : `${name}, ${formatBytes(file.size)}`,
      'data-at': at,
      style: `--nbt-level:${level}`
    });
    if (file.is_dir) row.setAttribute('aria-expanded', String(open));
    row.toggleAttribute('data-active', at === this.active);
    row.append(line);
    return row;
  }

  private async toggle(node: Node, open: boolean): Promise<void> {
    try {
      if (open) node.children ??= await this.read(node.file.path, node.level + 1);
    } catch (error) {
      this.preview.replaceChildren(errorBox(messageOf(error)));
    }
    const active = this.rows[this.active]; // the keyboard may have gone on
    node.open = open && node.children !== null;
    const at = active ? this.rows.indexOf(active) : -1;
    this.active = at < 0 ? Math.max(0, this.rows.indexOf(node)) : at;
    this.draw();
  }

  private onClick(event: MouseEvent): void {
    const at = Number((event.target as Element).closest<HTMLElement>('.nbt-row')?.dataset['at'] ?? -1);
    const node = this.rows[at];
    if (!node) return;
    this.active = at;
    if (node.file.is_dir) void this.toggle(node, !node.open);
    else {
      this.draw();
      this.show();
    }
  }

  private onKey(event: KeyboardEvent): void {
    const rows = this.rows;
    const node = rows[this.active];
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) {
      this.active = Math.min(Math.max(to, 0), rows.length - 1);
      this.draw();
      this.show();
    } else if (node && event.key === 'ArrowRight' && node.file.is_dir) void this.toggle(node, true);
    else if (node && event.key === 'ArrowLeft') {
      const inside = rows.find(other => other.children?.includes(node));
      if (node.open) void this.toggle(node, false);
      else if (inside) {
        this.active = rows.indexOf(inside);
        this.draw();
      }
    } else if (node && (event.key === 'Enter' || event.key === ' ')) {
      if (node.file.is_dir) void this.toggle(node, !node.open);
      else this.show();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Show the file of the active row; a folder leaves what is shown. */
  private show(): void {
    const file = this.rows[this.active]?.file;
    if (!file || file.is_dir) return;
    const turn = ++this.turn;
    void previewOf(this.source, file, this.highlighter).then(({ element, dispose }) => {
      if (turn !== this.turn) return dispose();
      this.takeAway();
      this.takeAway = dispose;
      this.preview.replaceChildren(element);
    });
  }
}
