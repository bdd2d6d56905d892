/** Shows code and documents as the page does it; what it has shown it takes away again. */
export interface Highlighter {
  /** An element with the code. */
  code(source: string, language?: string): HTMLElement;
  /** A document in Markdown; nothing in it can do anything. */
  markdown(text: string): Promise<HTMLElement>;
  dispose(): void;
}
