import { randomBytes } from 'node:crypto'
import type { Json } from '../extension-under-test.ts'
import { request } from '../requests.ts'
import { CALLBACK, type Stage } from '../stage.ts'

/** The discovery document of the stage's tenant. */
export async function discover(stage: Stage): Promise<Json> {
  return (await request(`${stage.base}/oauth2/token/.well-known/openid-configuration`, {})).body
}

/** The body that creates an application, with values that no type of ours allows. */
export function applicationBody(oidc: Json, more: Json = {}): Json {
  return {
    name: `app-${randomBytes(6).toString('hex')}`,
    inboundProtocolConfiguration: { oidc: { callbackURLs: [CALLBACK], ...oidc } },
    ...more,
  }
}
