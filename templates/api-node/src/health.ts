import { query } from './db.ts';
import { json, type Response } from './web.ts';

/** Healthy means that a statement ran, not merely that the function did. */
export async function getHealth(): Promise<Response> {
  const [answer] = await query<{ postgres: number }>(
    "select current_setting('server_version_num')::int / 10000 as postgres",
  );
  return json(200, { status: 'ok', ...answer });
}
