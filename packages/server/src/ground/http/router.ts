import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { FIRST_TENANT } from '../store/tenants.ts'
import { type SharedPaths, shareWithOrigins } from './cors.ts'
import { sendProblem, serverProblems } from './send.ts'

/** A request whose tenant and organization are known. `Place` describes them. */
export interface Visit<Place> {
  /** Its `url` no longer has the prefix of tenant and organization. */
  request: IncomingMessage
  response: ServerResponse
  place: Place
}

/** A part of the server and the paths that it answers. */
export interface Face<Place> {
  /** Matches the path without the prefix of tenant and organization and without the query. */
  paths: RegExp
  /** The access that the paths require: none, with the reason, or as each route declares. */
  access: { open: string } | 'as each route declares'
  /** The paths that pages of other origins may call. Absent: none. */
  shared?: SharedPaths
  answer(visit: Visit<Place>): Promise<void>
}

/** Adapts a face that uses `Request` and `Response` instead of Node's objects. */
export function answerWith<Place>(
  fetch: (request: Request, visit: Visit<Place>) => Promise<Response>,
): Face<Place>['answer'] {
  const visits = new WeakMap<object, Visit<Place>>()
  const listen = getRequestListener((request, { incoming }) => fetch(request, visits.get(incoming) as Visit<Place>), {
    overrideGlobalObjects: false,
  })
  return async visit => {
    visits.set(visit.request, visit)
    await listen(visit.request, visit.response)
  }
}

/**
 * Creates the function that finds the tenant and organization of a request from its path, and the face that answers it.
 *
 * @param findPlace Finds a place by the names in the path. Resolves with nothing if the tenant or organization does not exist.
 * @param faces The faces in order. The first that matches answers.
 * @param isAllowedOrigin Whether pages of another origin may call the APIs there.
 */
export function createRouter<Place>(
  faces: readonly Face<Place>[],
  findPlace: (tenant: string, organization: string | undefined) => Promise<Place | undefined>,
  isAllowedOrigin: (place: Place, origin: string) => Promise<boolean>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const { tenant, organization, rest } = splitPath(request.url ?? '/')
    const place = await findPlace(tenant, organization)
    if (!place) return sendProblem(response, serverProblems.noSuchPlace())
    request.url = rest
    const path = rest.split('?', 1)[0] ?? '/'
    const face = faces.find(({ paths }) => paths.test(path))
    if (!face) return sendProblem(response, serverProblems.noSuchPath())
    if (face.shared) {
      const shared = { paths: face.shared, path }
      if (await shareWithOrigins(request, response, shared, origin => isAllowedOrigin(place, origin))) return
    }
    await face.answer({ request, response, place })
  }
}

/** The name of the tenant in a URL, without checking whether it exists. */
export function tenantIn(url: string): string {
  return splitPath(url).tenant
}

/** `/t/acme/o/shop/oauth2/token?x=1` names the tenant `acme`, its organization `shop` and the rest. */
function splitPath(url: string): { tenant: string; organization: string | undefined; rest: string } {
  const [, tenant, organization, rest = ''] = /^(?:\/t\/([^/?#]+))?(?:\/o\/([^/?#]+))?(.*)$/s.exec(url) ?? []
  return {
    tenant: tenant === undefined ? FIRST_TENANT.domain : decode(tenant),
    organization: organization === undefined ? undefined : decode(organization),
    rest: rest.startsWith('/') ? rest : `/${rest}`,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Makes every address that the server writes begin with the public URL, regardless of the headers of clients and proxies. */
export function pinHost(request: IncomingMessage, publicUrl: string): void {
  const { host, protocol } = new URL(publicUrl)
  delete request.headers['x-forwarded-host']
  request.headers.host = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
}
