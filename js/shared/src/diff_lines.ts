export type LineKind = 'same' | 'old' | 'new' | 'place';

export interface DiffLine {
  kind: LineKind;
  text: string;
}

const CONTEXT = 3;
/** Above this many pairs of lines only what is alike at both ends is found. */
const MOST = 4_000_000;

/** The unified difference of two texts by line; nothing where they are alike. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [lines(before), lines(after)];
  const all = changes(a, b);
  if (all.every(line => line.kind === 'same')) return [];
  return withContext(all);
}

/** How many lines have changed: one that takes the place of another counts once, as in the line of a card. */
export function countChanged(found: readonly DiffLine[]): number {
  let count = 0;
  let [old, fresh] = [0, 0];
  for (const { kind } of [...found, { kind: 'same' }]) {
    if (kind === 'old') old++;
    else if (kind === 'new') fresh++;
    else {
      count += Math.max(old, fresh);
      [old, fresh] = [0, 0];
    }
  }
  return count;
}

function lines(text: string): string[] {
  return text.trim().split('\n').map(line => line.trimEnd());
}

/** All lines of both, in order (longest common subsequence between what is alike at both ends). */
function changes(a: readonly string[], b: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [i, j] = [a.length, b.length];
  while (i > start && j > start && a[i - 1] === b[j - 1]) [i, j] = [i - 1, j - 1];
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  return [...a.slice(0, start).map(same), ...middle(a.slice(start, i), b.slice(start, j)), ...a.slice(i).map(same)];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const old = (text: string): DiffLine => ({ kind: 'old', text });
  const fresh = (text: string): DiffLine => ({ kind: 'new', text });
  if (a.length * b.length === 0 || a.length * b.length > MOST) return [...a.map(old), ...b.map(fresh)];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] = a[i] === b[j] ? common[at + width + 1]! + 1 : Math.max(common[at + width]!, common[at + 1]!);
    }
  }
  const found: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ kind: 'same', text: a[i]! });
      [i, j] = [i + 1, j + 1];
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) found.push(old(a[i++]!));
    else found.push(fresh(b[j++]!));
  }
  return found;
}

/** Leave out what is the same and far from any change. */
function withContext(all: readonly DiffLine[]): DiffLine[] {
  const near = new Uint8Array(all.length);
  all.forEach((line, at) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
  });
  const found: DiffLine[] = [];
  let [before, after, skipping] = [1, 1, true];
  all.forEach((line, at) => {
    if (near[at]) {
      if (skipping && (at > 0 || found.length > 0)) found.push({ kind: 'place', text: `@@ line ${before} | line ${after} @@` });
      found.push(line);
    }
    skipping = !near[at];
    if (line.kind !== 'new') before++;
    if (line.kind !== 'old') after++;
  });
  return found;
}
