/** Read a binary buffer of the Jupyter protocol as float64; the wire does not promise 8-byte alignment. */
export function asF64(view: DataView | ArrayBuffer | null | undefined): Float64Array {
  if (!view || view.byteLength === 0) return new Float64Array(0);
  const [buffer, offset] =
    view instanceof ArrayBuffer ? [view, 0] : [view.buffer as ArrayBuffer, view.byteOffset];
  const length = Math.floor(view.byteLength / 8);
  return offset % 8 === 0
    ? new Float64Array(buffer, offset, length)
    : new Float64Array(buffer.slice(offset, offset + length * 8));
}

/** Decode base64 to bytes. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** Undo zlib's deflate. */
export async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}
