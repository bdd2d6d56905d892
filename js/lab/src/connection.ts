import { ServerConnection } from '@jupyterlab/services';
import type { Connection } from '@nbtrack/shared/server';

/** The Jupyter server, asked as JupyterLab asks it. */
export function jupyterConnection(): Connection {
  const settings = ServerConnection.makeSettings();
  const request = (url: string, init: RequestInit): Promise<Response> => ServerConnection.makeRequest(url, init, settings);
  return { baseUrl: settings.baseUrl, name: 'The Jupyter server', request };
}
