import { Hono } from 'hono'
import type { Mounted } from './mounted.ts'

/** A route of an API. Parameters of the path are in braces: `/Users/{id}`. */
export interface DeclaredRoute {
  method: string
  path: string
}

/** A route as one name: `GET /Users/{id}`. */
export type RouteName = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`

/** A body counts as one request more for each so many bytes. */
const BYTES_OF_ONE = 16_384
/** For a body whose length is not announced. */
const UNKNOWN_LENGTH = 64

/** The weight of a request in the limits. Lists, searches and large bodies cost most. */
export function weightOf({ method, path }: DeclaredRoute, { headers }: Request): number {
  const isList = (method === 'GET' && !path.includes('{') && path !== '/Me') || path.endsWith('/.search')
  const length = headers.get('content-length')
  const ofBody = headers.has('transfer-encoding') ? UNKNOWN_LENGTH : Math.floor(Number(length ?? 0) / BYTES_OF_ONE)
  return (isList ? 10 : 1) + ofBody
}

/** A request that one route answers. */
export interface RoutedRequest {
  request: Request
  mounted: Mounted
  /** The decoded path parameters of the client. */
  params: Record<string, string>
  query: Record<string, string>
}

/** An API that answers every request itself. It never rejects. */
export interface MountedApi {
  /** @param request The request without the prefix of tenant and organization. Its path begins with the base path of the API. */
  fetch(request: Request, mounted: Mounted): Promise<Response>
}

/** The responses of an API. */
export interface Answers<Route extends DeclaredRoute> {
  answer(route: Route, routed: RoutedRequest): Promise<Response>
  /** Creates the error for a path without a route. */
  noSuchPath(): Error
  /** Creates the error for a path that has only routes for these methods. */
  wrongMethod(methods: readonly string[]): Error
  /** Turns a thrown error into a response. */
  refuse(error: unknown): Response
}

/**
 * Creates an API from its declared routes. Only this file may register paths with the HTTP router, so no path is served without a
 * declaration. `tools/architecture.ts` checks it.
 *
 * @param routes The first route that matches is used.
 */
export function mountRoutes<Route extends DeclaredRoute>(
  basePath: string,
  routes: readonly Route[],
  { answer, noSuchPath, refuse, wrongMethod }: Answers<Route>,
): MountedApi {
  const app = new Hono<{ Bindings: Mounted }>({ strict: false }).basePath(basePath)
  for (const route of routes) {
    app.on(route.method, route.path.replace(/\{(\w+)\}/g, ':$1'), ({ env, req }) =>
      answer(route, { request: req.raw, mounted: env, params: req.param(), query: req.query() }),
    )
  }
  const patterns = routes.map(({ method, path }) => ({ method, pattern: patternOf(path) }))
  app.all('*', ({ req }) => {
    const path = req.path.slice(basePath.length)
    const methods = new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))
    throw methods.size === 0 ? noSuchPath() : wrongMethod([...methods])
  })
  app.onError(refuse)
  return { fetch: async (request, mounted) => app.fetch(request, mounted) }
}

/** The routes of a table as a list in its order, each with its name and its entry. */
export function routesOf<Table extends Readonly<Record<RouteName, unknown>>>(
  table: Table,
): { [Name in keyof Table]: DeclaredRoute & { name: Name; access: Table[Name] } }[keyof Table][] {
  return Object.entries(table).map(([name, access]) => {
    const [method = '', path = ''] = name.split(' ', 2)
    return { name, method, path, access }
  }) as never
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`)
}
