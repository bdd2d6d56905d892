/** What can have the keyboard. */
const FOCUSABLE = 'a[href], button, input, select, textarea, summary, iframe, audio, video, [tabindex]';
/** What cannot keep it. */
const GONE = ':disabled, [hidden], [hidden] *';

/**
 * Draw what is in `root` anew; if the keyboard is in it, it stays where it is.
 *
 * With an element that is taken away the focus is lost, and the next Tab begins at the top of the page. So it goes to
 * what looks as that element did, else to what stands in its place, else to what is around `root`.
 */
export function keepFocus(root: HTMLElement, draw: () => void): void {
  const had = focusedElement(root);
  if (!had || !root.contains(had)) return draw();
  const looks = [labelOf, kindOf, tagOf].map(look => [look, look(had), alike(root, look, look(had)).indexOf(had)] as const);
  draw();
  const now = focusedElement(root);
  if (now && now !== document.body && !now.matches(GONE)) return; // it has it still, or whoever drew has given it away
  const found = root.contains(had) && !had.matches(GONE) ? had : looks.map(([look, as, place]) => nearest(alike(root, look, as), place)).find(Boolean);
  if (had instanceof HTMLInputElement && found instanceof HTMLInputElement && found !== had) takeOver(had, found);
  (found ?? root.parentElement?.closest<HTMLElement>('[tabindex]'))?.focus({ preventScroll: true });
}

/**
 * Remember what has the keyboard.
 *
 * The function that is returned finds it again; of a cell whose table has been drawn anew since, the one in its place.
 */
export function rememberFocus(): () => HTMLElement | null {
  const had = document.activeElement as HTMLElement | null;
  const table = had?.closest('.nbt-gridhost');
  const [row, column] = ['row-id', 'col-id'].map(name => CSS.escape(had?.closest(`[${name}]`)?.getAttribute(name) ?? ''));
  return () => (had?.isConnected ? had : (table?.querySelector<HTMLElement>(`[row-id="${row}"] [col-id="${column}"]`) ?? null));
}

/** What has the keyboard in the page, or in the shadow tree, that `root` is in. */
export function focusedElement(root: Node): HTMLElement | null {
  const tree = root.getRootNode();
  return 'activeElement' in tree ? (tree as Document | ShadowRoot).activeElement as HTMLElement | null : null;
}

type Look = (element: Element) => string;

function labelOf(element: Element): string {
  return `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent}`;
}

function kindOf(element: Element): string {
  return `${element.tagName} ${element.className}`;
}

function tagOf(element: Element): string {
  return element.tagName;
}

function alike(root: HTMLElement, look: Look, as: string): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(element => look(element) === as && !element.matches(GONE));
}

function nearest(elements: readonly HTMLElement[], place: number): HTMLElement | undefined {
  return elements[Math.min(place, elements.length - 1)];
}

/** What was typed goes on in the new field. */
function takeOver(from: HTMLInputElement, to: HTMLInputElement): void {
  to.value = from.value;
  to.dispatchEvent(new Event('input', { bubbles: true }));
}
