import { h } from './dom';

type Code = (source: string, language: string) => HTMLElement;
const FENCE = /^\s*(```+|~~~+)\s*(\w*)/;
const ITEM = /^\s*(?:[-*+]|\d+[.)])\s+/;
const BREAKS = /^(#{1,6}\s|\s*(```|~~~)|\s*>|\s*([-*_]\s*){3,}$)/;

/** The usual parts of Markdown as elements. Everything is text until it is made an element here: HTML stays text. */
export function markdownNodes(text: string, code: Code): HTMLElement[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const found: HTMLElement[] = [];
  let at = 0;
  const take = (more: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    while (at < lines.length && more(lines[at]!)) taken.push(lines[at++]!);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (line.trim() === '') at++;
    else if (fence) {
      at++;
      const source = take(other => !other.trim().startsWith(fence[1]!));
      at++;
      found.push(code(source.join('\n'), fence[2]!));
    } else if (heading) {
      at++;
      found.push(h(`h${Math.min(6, heading[1]!.length + 2)}` as 'h3', {}, ...inline(heading[2]!)));
    } else if (/^\s*([-*_]\s*){3,}$/.test(line)) {
      at++;
      found.push(h('hr'));
    } else if (/^\s*>/.test(line)) {
      const quoted = take(other => /^\s*>/.test(other)).map(other => other.replace(/^\s*>\s?/, ''));
      found.push(h('blockquote', {}, ...markdownNodes(quoted.join('\n'), code)));
    } else if (ITEM.test(line)) {
      const items = take(other => ITEM.test(other) || /^\s+\S/.test(other));
      const list = h(/^\s*\d/.test(line) ? 'ol' : 'ul');
      for (const item of items) {
        if (ITEM.test(item)) list.append(h('li', {}, ...inline(item.replace(ITEM, ''))));
        else list.lastElementChild?.append(' ', ...inline(item.trim()));
      }
      found.push(list);
    } else if (line.includes('|') && /^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1] ?? '')) {
      const [head = '', , ...rows] = take(other => other.includes('|'));
      const body = rows.map(row => h('tr', {}, ...cellsOf(row).map(cell => h('td', {}, ...inline(cell)))));
      found.push(h('table', { class: 'nbt-plain' }, h('thead', {}, h('tr', {}, ...cellsOf(head).map(cell => h('th', {}, ...inline(cell))))), h('tbody', {}, ...body)));
    } else {
      const first = lines[at++]!;
      const rest = take(other => other.trim() !== '' && !BREAKS.test(other) && !ITEM.test(other));
      found.push(h('p', {}, ...inline([first, ...rest].join(' '))));
    }
  }
  return found;
}

function cellsOf(row: string): string[] {
  return row.trim().replace(/^\||\|$/g, '').split('|').map(cell => cell.trim());
}

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s][^*]*?)\*|\[([^\]]+)\]\(([^)\s]+)[^)]*\)/g;

function inline(text: string): (Node | string)[] {
  const found: (Node | string)[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) found.push(text.slice(at, match.index));
    const [, code, bold, strong, italic, label, target] = match;
    if (code !== undefined) found.push(h('code', {}, code));
    else if (bold !== undefined || strong !== undefined) found.push(h('strong', {}, ...inline((bold ?? strong)!)));
    else if (italic !== undefined) found.push(h('em', {}, ...inline(italic)));
    else if (/^https?:\/\//i.test(target!)) found.push(h('a', { href: target!, target: '_blank', rel: 'noopener noreferrer' }, label!));
    else found.push(label!);
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push(text.slice(at));
  return found;
}

/** Markdown as one line of text without its marks: for a list, where there is no room for more. */
export function plainLine(markdown: string): string {
  const lines = markdown.split(/\r?\n/).filter(line => !FENCE.test(line) && !/^[\s|:*_-]*$/.test(line));
  return lines.map(line => words(line.replace(/^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+)/, '').replace(/^\s*\||\|\s*$/g, ''))).join(' ').replace(/\s+/g, ' ').trim();
}

function words(text: string): string {
  return text.replace(INLINE, (_, code?: string, bold?: string, strong?: string, italic?: string, label?: string) => code ?? words(bold ?? strong ?? italic ?? label ?? ''));
}
