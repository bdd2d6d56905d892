// @vitest-environment happy-dom
import { UnknownStoreError } from '../src/backend';
import { describe, expect, it, vi } from 'vitest';
import { HttpBackend } from '../src/http_backend';
import { problemOf } from '../src/problem';
import { NbtrackServer } from '../src/server';

/** A server that answers every request with the same. */
function answering(status: number, body: unknown): { backend: HttpBackend; server: NbtrackServer; asked: [string, RequestInit][] } {
  const asked: [string, RequestInit][] = [];
  const request = (url: string, init: RequestInit): Promise<Response> => {
    asked.push([url, init]);
    return Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }));
  };
  const server = new NbtrackServer({ baseUrl: 'http://hub/user/x/', name: 'The Jupyter server', request });
  return { backend: new HttpBackend(server, 'store 1'), server, asked };
}

describe('HttpBackend', () => {
  it('asks below the base URL, and says which store', async () => {
    const { backend, asked } = answering(200, { body: { total: 1 }, buffers: [] });
    expect((await backend.ask('store.tree', { experiment_id: '0', start: 0 })).body).toEqual({ total: 1 });
    const [url, init] = asked[0]!;
    expect(url).toBe('http://hub/user/x/nbtrack/ask?store=store+1');
    expect(JSON.parse(init.body as string)).toEqual({ experiment_id: '0', start: 0, type: 'store.tree' });
  });

  it('decodes buffers to their bytes', async () => {
    const { backend } = answering(200, { body: {}, buffers: [btoa(String.fromCharCode(0, 0, 0, 0, 0, 0, 240, 63))] });
    const { buffers } = await backend.ask('chart.runs', { run_ids: [] });
    expect(buffers[0]!.getFloat64(0, true)).toBe(1);
  });

  it('lets another backend try where the server does not know the store, or nothing of nbtrack', async () => {
    const unknown = answering(404, { error_code: 'STORE_NOT_FOUND', message: 'No such store.' });
    await expect(unknown.backend.ask('run.details', { run_id: 'a' })).rejects.toThrow(UnknownStoreError);
    const missing = answering(404, '<html>Not found</html>');
    await expect(missing.backend.ask('run.details', { run_id: 'a' })).rejects.toThrow(UnknownStoreError);
  });

  it('has errors that another bundle of the page knows', async () => {
    const unknown = answering(404, { error_code: 'STORE_NOT_FOUND', message: 'No such store.' });
    const refused = answering(404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No such run.' });
    const thrown = (backend: HttpBackend): Promise<unknown> => backend.ask('run.details', { run_id: 'a' }).catch((error: unknown) => error);
    vi.resetModules();
    const [other, problems] = await Promise.all([import('../src/backend'), import('../src/problem')]);
    expect(other.UnknownStoreError).not.toBe(UnknownStoreError);
    expect((await thrown(unknown.backend)) instanceof other.UnknownStoreError).toBe(true);
    expect((await thrown(refused.backend)) instanceof other.UnknownStoreError).toBe(false);
    expect(problems.problemOf(await thrown(refused.backend)).title).toBe('This is not in the store');
  });

  it('passes on what the server says of a request it refuses', async () => {
    const { backend } = answering(400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'metrics.loss < what?' });
    await expect(backend.ask('store.tree', { experiment_id: '0' })).rejects.toThrow('metrics.loss < what?');
  });
});

describe('problems', () => {
  it('say what to do', async () => {
    const missing = await answering(404, '<html>').server.stores().catch(problemOf);
    expect(missing).toMatchObject({ command: 'jupyter server extension enable nbtrack' });
    const login = await answering(403, { message: 'Forbidden' }).server.stores().catch(problemOf);
    expect(login).toMatchObject({ title: 'You are logged out' });
  });
});
