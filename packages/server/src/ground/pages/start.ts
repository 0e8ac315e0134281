import type { IncomingMessage, ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import { sendJson, sendProblem, serverProblems } from '../http/send.ts'
import { startPage } from './pages.ts'
import { send } from './send.ts'

/** The links of a tenant or organization, below its path. */
const LINKS = {
  discovery: { title: 'OpenID Connect discovery', path: '/.well-known/openid-configuration' },
  management: { title: 'Management API (OpenAPI)', path: '/api/server/v1/openapi.json' },
  scim: { title: 'SCIM', path: '/scim2/ServiceProviderConfig' },
}

/**
 * Answers at the address of a tenant or organization: browsers get a page, other clients the same links as JSON.
 *
 * @param place.prefix The path of the tenant or organization, empty at the root.
 * @param place.homeUrl The link for people. Absent: the page has none.
 */
export function answerStart(
  request: IncomingMessage,
  response: ServerResponse,
  { homeUrl, prefix }: { prefix: string; homeUrl?: string },
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    sendProblem(response, serverProblems.noSuchPath())
    return
  }
  const links = Object.entries(LINKS).map(([name, { path, title }]) => ({ name, title, path: prefix + path }))
  if (!request.headers.accept?.includes('text/html')) {
    const paths = Object.fromEntries(links.map(({ name, path }) => [name, path]))
    sendJson(response, 200, { service: 'Preflow', ...paths, ...present({ home: homeUrl }) })
    return
  }
  const home = homeUrl === undefined ? [] : [{ title: 'Go on', path: homeUrl }]
  send(response, 200, startPage({ links: [...home, ...links] }))
}
