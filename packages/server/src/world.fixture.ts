import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { type ActionType, type Operation, present, type Rule } from '@preflow/contract'
import { newPostgresPlace, whyNoPostgres } from '@preflow/database/testing'
import { type Configuration, completeConfiguration } from './configuration.ts'
import { documentOf, type LocalClaims } from './ground/claims/document-claims.ts'
import { createLog } from './ground/observe/log.ts'
import type { Ports } from './ground/ports.ts'
import { insertAction } from './ground/store/actions.ts'
import { authorizeApi, insertApiResource, listApiResources } from './ground/store/api-resources.ts'
import { insertApplication } from './ground/store/applications.ts'
import { type Database, openDatabase } from './ground/store/database.ts'
import { insertGroup } from './ground/store/groups.ts'
import type { Action, Application, Organization, Tenant, User } from './ground/store/model.ts'
import { TEST_PASSWORD_COST } from './ground/store/password-cost.fixture.ts'
import type { PasswordCost } from './ground/store/passwords.ts'
import { createSeal } from './ground/store/sealed-secrets.ts'
import { insertTenant } from './ground/store/tenants.ts'
import { findUserById, insertUser } from './ground/store/users.ts'
import { createServer, type Server } from './server.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

/** A call that the extension received. */
export interface ReceivedCall {
  headers: IncomingHttpHeaders
  body: Json
}

/** The extension's answer. An object is sent as JSON, with HTTP 200 unless `status` is set. */
export type Answer = { status?: number; type?: string; body: unknown }

/** An extension that the test controls and that records its calls. */
export interface Extension {
  url: string
  calls: ReceivedCall[]
  /** Sets its answers from now on. */
  answer(how: (call: ReceivedCall) => Answer | Promise<Answer>): void
  succeed(...operations: Operation[]): void
  close(): Promise<void>
}

export async function startExtension(): Promise<Extension> {
  const calls: ReceivedCall[] = []
  let how: (call: ReceivedCall) => Answer | Promise<Answer>
  const server = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const call = { headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) }
    calls.push(call)
    const { status = 200, type = 'application/json', body } = await how(call)
    response.writeHead(status, { 'content-type': type })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const { port } = await listen(server)
  const extension: Extension = {
    url: `http://127.0.0.1:${port}/`,
    calls,
    answer(next) {
      how = next
    },
    succeed(...operations) {
      how = () => ({ body: { actionStatus: 'SUCCESS', operations } })
    },
    close: () => stop(server),
  }
  extension.succeed()
  return extension
}

async function listen(server: HttpServer): Promise<{ port: number }> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address() as AddressInfo
}

function stop(server: HttpServer): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

const MIRA: LocalClaims = {
  'http://wso2.org/claims/givenname': 'Mira',
  'http://wso2.org/claims/emailaddress': 'mira@example.com',
}

/** One tenant of a running server. */
export interface Place {
  tenant: Tenant
  organization: Organization
  /** `http://127.0.0.1:…/t/acme` */
  base: string
  addApplication(settings?: Partial<Application>, scopes?: string[]): Promise<Application>
  addUser(settings?: Partial<User> & { claims?: LocalClaims }, password?: string): Promise<User>
  addAction(type: ActionType, uri: string, settings?: Partial<Action> & { rule?: Rule }): Promise<Action>
  /** Posts a form to the token endpoint as the application. */
  token(application: Application, form: Record<string, string>, headers?: Record<string, string>): Promise<TokenAnswer>
  post(path: string, application: Application, form: Record<string, string>): Promise<Response>
}

/** A running server with one tenant, and a second handle on its database for setting up data. */
export interface World extends Place {
  server: Server
  configuration: Configuration
  ports: Ports
  /** The port on which it listens, independent of its public address. */
  port: number
  db: Database
  folder: string
  /** Creates another tenant. */
  addPlace(): Promise<Place>
  /** Starts another instance on the same data. It resolves with its port. Its public address is that of the first instance. */
  startAnother(): Promise<{ port: number; close(): Promise<void> }>
  close(): Promise<void>
}

export interface TokenAnswer {
  status: number
  headers: Headers
  body: Json
}

/** Runs the suite on SQLite, and on its own PostgreSQL database if a server answers. */
export function onEachDatabase(suite: (databaseUrl: string | undefined) => void): void {
  describe('on SQLite', () => suite(undefined))
  describe('on PostgreSQL', { skip: whyNoPostgres }, () => {
    const database = newPostgresPlace('database')
    before(database.create)
    suite(database.url)
    // Hooks run in their order of registration, so the server closes its connections first.
    after(database.remove)
  })
}

/** @param now Of the server and of the handle on its database. Times in tokens are real nevertheless. */
export async function startWorld(
  settings: Partial<Configuration> = {},
  log = createLog('silent'),
  passwordCost: PasswordCost = TEST_PASSWORD_COST,
  now: () => number = Date.now,
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-'))
  const configuration = completeConfiguration({
    port: 0,
    dataFolder: folder,
    sealKey: randomBytes(32).toString('base64'),
    adminPassword: 'admin-of-the-test',
    privateEndpoints: ['127.0.0.0/8'],
    shutdownDelayMs: 0,
    ...settings,
  })
  const ports = { now, newId: randomUUID, randomBytes, log, passwordCost }
  const startServer = (more: Partial<Configuration> = {}) => createServer({ ...configuration, ...more }, ports)
  const server = await startServer()
  const { port } = await server.listen()
  const db = await openDatabase({
    ...(settings.databaseUrl === undefined ? {} : { url: settings.databaseUrl }),
    file: join(folder, 'preflow.db'),
    seal: createSeal(Buffer.from(configuration.sealKey ?? '', 'base64')),
    now,
    passwordCost: TEST_PASSWORD_COST,
  })
  const addPlace = () => createPlace(db, server.address)
  return {
    ...(await addPlace()),
    server,
    configuration,
    ports,
    port,
    db,
    folder,
    addPlace,
    async startAnother() {
      const another = await startServer({ publicUrl: server.address })
      const { port } = await another.listen()
      return { port, close: () => another.close() }
    },
    async close() {
      await server.close()
      await db.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function createPlace(db: Database, address: string): Promise<Place> {
  const organizationId = randomUUID()
  const domain = `acme-${organizationId.slice(0, 8)}`
  const tenant: Tenant = {
    id: String(Number.parseInt(organizationId.slice(0, 8), 16)),
    domain,
    rootOrganizationId: organizationId,
  }
  const organization: Organization = { id: organizationId, tenantId: tenant.id, name: 'Acme', handle: domain, depth: 0 }
  await insertTenant(db, tenant, organization)
  const groups = ['staff', 'eu'].map(name => ({ id: randomUUID(), name }))
  for (const { id, name } of groups) {
    const now = Date.now()
    await insertGroup(db, { id, tenantId: tenant.id, organizationId, name, createdAt: now, updatedAt: now })
  }
  const base = `${address}/t/${domain}`

  const post: Place['post'] = (path, application, form) => {
    const isPublic = application.clientSecret === undefined
    const basic = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')
    return fetch(base + path, {
      method: 'POST',
      headers: isPublic ? {} : { authorization: `Basic ${basic}` },
      body: new URLSearchParams(isPublic ? { client_id: application.clientId, ...form } : form),
    })
  }

  /** Creates an API for the scopes that the tenant lacks, and authorizes the application for all of them. */
  async function authorizeScopes(applicationId: string, scopes: string[]): Promise<void> {
    const known = await listApiResources(db, tenant.id)
    const unknown = scopes.filter(name => !known.some(api => api.scopes.some(scope => scope.name === name)))
    if (unknown.length > 0) {
      const id = randomUUID()
      const api = {
        id,
        tenantId: tenant.id,
        name: `api-${id}`,
        identifier: `https://api.test/${id}`,
        requiresAuthorization: true,
        scopes: unknown.map(name => ({ id: randomUUID(), name })),
      }
      await insertApiResource(db, api)
      known.push(api)
    }
    for (const api of known) {
      const wanted = api.scopes.map(({ name }) => name).filter(name => scopes.includes(name))
      if (wanted.length === 0) continue
      await authorizeApi(db, tenant.id, applicationId, { resourceId: api.id, policy: 'No Policy', scopes: wanted })
    }
  }

  return {
    tenant,
    organization,
    base,
    post,
    async addApplication(own = {}, scopes = []) {
      const id = randomUUID()
      const application: Application = {
        id,
        tenantId: tenant.id,
        name: `app-${id}`,
        clientId: `client-${id.slice(0, 8)}`,
        clientSecret: `secret-${id}`,
        isPublicClient: false,
        mustUsePkce: false,
        grantTypes: ['client_credentials'],
        callbackUrls: [],
        allowedOrigins: [],
        accessTokenType: 'JWT',
        userTokenLifetimeSeconds: 1800,
        applicationTokenLifetimeSeconds: 3600,
        accessTokenClaims: [],
        refreshTokenLifetimeSeconds: 7200,
        renewsRefreshToken: true,
        idTokenLifetimeSeconds: 3600,
        audiences: [],
        skipsConsent: true,
        isSystem: false,
        createdAt: Date.now(),
        updatedAt: Date.now(),
        ...own,
      }
      if (application.isPublicClient) delete application.clientSecret
      await insertApplication(db, application)
      await authorizeScopes(id, scopes)
      return application
    },
    async addUser({ claims = MIRA, ...own } = {}, password = 'correct horse') {
      const id = randomUUID()
      const user: User = {
        id,
        tenantId: tenant.id,
        organizationId,
        userName: `user-${id.slice(0, 8)}`,
        document: documentOf(claims),
        groups,
        roles: [],
        isActive: true,
        isAdministrator: false,
        createdAt: Date.now(),
        updatedAt: Date.now(),
        ...own,
      }
      await insertUser(db, user, password)
      return { ...user, ...present({ generation: (await findUserById(db, tenant.id, id))?.generation }) }
    },
    async addAction(type, uri, own = {}) {
      const action: Action = {
        id: randomUUID(),
        tenantId: tenant.id,
        organizationId,
        type,
        name: type.toLowerCase(),
        status: 'ACTIVE',
        version: 'v1',
        endpoint: {
          uri,
          authentication: { type: 'NONE' },
          allowedHeaders: [],
          allowedParameters: [],
          signingSecrets: [],
        },
        attributes: [],
        onFailure: 'error',
        createdAt: Date.now(),
        updatedAt: Date.now(),
        ...own,
      }
      await insertAction(db, action, 1)
      return action
    },
    async token(application, form, headers = {}) {
      const isPublic = application.clientSecret === undefined
      const basic = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')
      const response = await fetch(`${base}/oauth2/token`, {
        method: 'POST',
        headers: isPublic ? headers : { authorization: `Basic ${basic}`, ...headers },
        body: new URLSearchParams(isPublic ? { client_id: application.clientId, ...form } : form),
      })
      return { status: response.status, headers: response.headers, body: await response.json() }
    },
  }
}
