/** A touch becomes a click a little after the finger is up; a mouse says it at once. */
const CLICK_MS = 50;

let installed = false;
/** What is pressed now, from the inside out, also where a view stands in a shadow tree. */
let path: readonly EventTarget[] = [];
let ending: ReturnType<typeof setTimeout> | undefined;
let waiting: (() => void)[] = [];

/** Notice where a pointer or the space bar is down; once in a page. */
export function capturePresses(): void {
  if (installed) return;
  installed = true;
  for (const type of ['pointerdown', 'keydown'] as const) addEventListener(type, press, true);
  for (const type of ['pointerup', 'pointercancel', 'keyup', 'click', 'blur'] as const) addEventListener(type, release, true);
}

/** Draw what is in `root` anew, but not between press and release: a click needs its element to be the same at the end. */
export function afterPress(root: Node, draw: () => void): void {
  if (path.includes(root)) waiting.push(draw);
  else draw();
}

/** Wait until nothing in `root` is pressed. */
export function released(root: Node): Promise<void> {
  return new Promise(resolve => afterPress(root, resolve));
}

function press(event: PointerEvent | KeyboardEvent): void {
  const pressed = event instanceof KeyboardEvent ? event.key === ' ' : event.button === 0;
  if (!pressed) return;
  clearTimeout(ending);
  path = event.composedPath();
}

function release(event: Event): void {
  if (path.length === 0 || (event.type === 'blur' && event.target instanceof Node)) return;
  clearTimeout(ending);
  ending = setTimeout(end, event.type === 'click' ? 0 : CLICK_MS);
}

function end(): void {
  path = [];
  const drawings = waiting;
  waiting = [];
  for (const draw of drawings) draw();
}
