import { before, test } from 'node:test'
import fc from 'fast-check'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { type Asking, createApiUnderTest, type TenantUnderTest } from './api-under-test.fixture.ts'
import { type OpenApiDocument, openApiDocument } from './routes/open-api.ts'
import { managementRouteList } from './routes/routes.ts'

/**
 * Sends requests derived from the OpenAPI document: valid ones, ones with one error, and nonsense. Every response must match the
 * declaration (`call` checks that), and none may be a server error (`call` throws those).
 *
 * fast-check prints a failing seed. `PREFLOW_FUZZ_SEED` repeats it, and `PREFLOW_FUZZ_MS` makes a run longer.
 */
const seed = Number(process.env['PREFLOW_FUZZ_SEED'] ?? 20261121)
const limitMs = Number(process.env['PREFLOW_FUZZ_MS'] ?? 2500)

type JsonSchema = Record<string, unknown>

const document: OpenApiDocument = openApiDocument(managementRouteList, { server: '/api/server/v1', version: '0.0.0' })

/** Existing ids by the names of parameters, so that requests get past "not found". */
type KnownIds = Record<string, string[]>

interface Sent {
  method: string
  path: string
  asking: Asking
}

onEachDatabase('requests derived from the OpenAPI document', open => {
  let tenant: TenantUnderTest
  const known: KnownIds = {
    actionType: ['preIssueAccessToken', 'preIssueIdToken', 'preUpdatePassword', 'preUpdateProfile', 'preRegistration'],
    actionId: [],
    applicationId: [],
    apiResourceId: [],
    apiId: [],
    organizationId: [],
    tenantId: ['-1234'],
    callId: [],
    authenticatorId: [],
  }
  before(async () => {
    tenant = await createApiUnderTest(await open(), { maxActionsPerType: 50 })()
    const endpoint = { uri: 'https://guard.example/', authentication: { type: 'NONE' } }
    const passwordSharing = { format: 'PLAIN_TEXT' }
    // Many of one type, because requests also delete them, and find one only together with its type.
    const tokenActions = Array.from({ length: 40 }, () => [
      '/actions/preIssueAccessToken',
      { name: 'Tokens', endpoint },
    ])
    for (const [path, body] of [
      ...(tokenActions as [string, object][]),
      ['/actions/preUpdatePassword', { name: 'Passwords', endpoint, passwordSharing }],
      ['/applications', { name: 'Shop' }],
      ['/authenticators/custom', { name: 'custom-door', displayName: 'Door', endpoint }],
      ['/api-resources', { name: 'Orders', identifier: 'orders', scopes: [{ name: 'orders.read' }] }],
    ] as [string, object][]) {
      const made = await tenant.call('POST', path, { body })
      remember(known, path, made.headers.get('location')?.split('/').at(-1))
    }
  })

  test('cause no server error and no undeclared response', async () => {
    const requests = fc.oneof(
      ...Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => requestsOf(method.toUpperCase(), path, operation, known)),
      ),
    )
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, path, asking }) => {
        const { status, headers, body } = await tenant.call(method, path, asking)
        if (status === 201) remember(known, path, (headers.get('location') ?? body?.id ?? '').split('/').at(-1))
      }),
      { seed, numRuns: 1_000_000, interruptAfterTimeLimit: limitMs, markInterruptAsFailure: false },
    )
  })
})

function remember(known: KnownIds, path: string, id: string | undefined): void {
  if (!id) return
  const names = path.startsWith('/actions')
    ? ['actionId']
    : path.startsWith('/applications')
      ? ['applicationId']
      : path.startsWith('/api-resources')
        ? ['apiResourceId', 'apiId']
        : path.startsWith('/authenticators')
          ? ['authenticatorId']
          : ['organizationId']
  for (const name of names) known[name]?.push(id)
}

type OperationOf = OpenApiDocument['paths'][string][string]

function requestsOf(method: string, path: string, operation: OperationOf, known: KnownIds): fc.Arbitrary<Sent> {
  const inPath = operation.parameters.filter(parameter => parameter.in === 'path')
  const inQuery = operation.parameters.filter(parameter => parameter.in === 'query')
  const params = fc.record(Object.fromEntries(inPath.map(({ name }) => [name, idsOf(name, known)])))
  const query = fc.record(
    Object.fromEntries(inQuery.map(({ name, schema }) => [name, fc.oneof(valuesOf(schema), anyText)])),
    { requiredKeys: [] },
  )
  const schema = operation.requestBody?.content['application/json'].schema
  return fc
    .record({ params, query, asking: schema ? bodiesOf(schema) : fc.constant<Asking>({}) })
    .map(({ params, query, asking }) => {
      const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(params[name])))
      const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
      return { method, path: search.size > 0 ? `${filled}?${search}` : filled, asking }
    })
}

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', "'; --", '%', '\ud800'))

/** Ids are chosen when the request is made, so that ids of earlier requests are used. A dot would be normalized away. */
function idsOf(name: string, known: KnownIds): fc.Arbitrary<string> {
  const invented = anyText.map(text => text.toWellFormed()).filter(text => !/^(\.{0,2}|types|calls)$/.test(text))
  return fc.oneof(
    { weight: 1, arbitrary: invented },
    {
      weight: 4,
      arbitrary: fc.nat().map(index => known[name]?.[index % Math.max(1, known[name].length)] ?? 'unknown'),
    },
  )
}

function bodiesOf(schema: JsonSchema): fc.Arbitrary<Asking> {
  const valid = valuesOf(schema)
  return fc.oneof(
    { weight: 5, arbitrary: valid.map(body => ({ body })) },
    { weight: 4, arbitrary: fc.tuple(valid, breakages).map(([body, breakAt]) => ({ body: breakAt(body) })) },
    { weight: 1, arbitrary: fc.jsonValue().map(body => ({ body })) },
    { weight: 1, arbitrary: anyText.map(text => ({ text })) },
    { weight: 1, arbitrary: valid.map(body => ({ body, headers: { 'content-type': 'text/plain' } })) },
  )
}

/** Replaces, removes or adds one member of a value. */
const breakages: fc.Arbitrary<(value: unknown) => unknown> = fc
  .record({ steps: fc.array(fc.nat(), { maxLength: 5 }), put: fc.jsonValue(), key: anyText, way: fc.nat(2) })
  .map(({ steps, put, key, way }) => {
    const at = (value: unknown, [step, ...rest]: number[]): unknown => {
      if (typeof value !== 'object' || value === null) return put
      const entries = Object.entries(value)
      if (step === undefined || entries.length === 0) {
        return Array.isArray(value) ? [...value, put] : { ...value, [key]: put }
      }
      const index = step % entries.length
      const [name, member] = entries[index] as [string, unknown]
      if (rest.length === 0 && way === 0) return rebuild(value, entries.toSpliced(index, 1))
      const changed = rest.length === 0 && way === 1 ? put : at(member, rest)
      return rebuild(value, entries.with(index, [name, changed]))
    }
    return value => at(value, steps)
  })

function rebuild(like: object, entries: [string, unknown][]): unknown {
  return Array.isArray(like) ? entries.map(([, member]) => member) : Object.fromEntries(entries)
}

/** Generates values that a JSON Schema of the document allows. */
function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (typeof schema['$ref'] === 'string') {
    return valuesOf(document.components.schemas[schema['$ref'].split('/').at(-1) ?? ''] ?? {})
  }
  if ('const' in schema) return fc.constant(schema['const'])
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum'])
  if (Array.isArray(schema['anyOf'])) return fc.oneof(...schema['anyOf'].map(valuesOf))
  const types = schema['type']
  if (Array.isArray(types)) return fc.oneof(...types.map(type => valuesOf({ ...schema, type })))
  const { minLength, maxLength, minItems, maxItems, minimum, maximum } = schema as Record<string, number | undefined>
  switch (types) {
    case 'string':
      return textsOf(schema['pattern'], minLength ?? 0, Math.min(maxLength ?? 30, 30))
    case 'integer':
      return fc.integer({ min: minimum ?? -1000, max: Math.min(maximum ?? 1000, 2_000_000_000) })
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valuesOf((schema['items'] as JsonSchema | undefined) ?? {}), {
        minLength: minItems ?? 0,
        maxLength: Math.min(maxItems ?? 4, 4),
      })
    case 'object':
      return objectsOf(schema)
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

/** Words with a meaning, so that requests get past the first check. */
const WORDS = [
  'custom-fuzz',
  'BasicAuthenticator',
  'equals',
  'grantType',
  'password',
  'https://x.example/cb',
  'name eq x',
  'Guard',
  'v1',
  'orders.read',
]

function textsOf(pattern: unknown, minLength: number, maxLength: number): fc.Arbitrary<string> {
  if (typeof pattern !== 'string') return fc.oneof(fc.string({ minLength, maxLength }), fc.constantFrom(...WORDS))
  const form = new RegExp(pattern, 'u')
  return fc.oneof(fc.stringMatching(form), ...WORDS.filter(word => form.test(word)).map(word => fc.constant(word)))
}

function objectsOf(schema: JsonSchema): fc.Arbitrary<object> {
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = schema as {
    properties?: Record<string, JsonSchema>
    required?: string[]
    additionalProperties?: JsonSchema | boolean
  }
  const declared = fc.record(Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, valuesOf(of)])), {
    requiredKeys: required,
  })
  if (typeof additionalProperties !== 'object') return declared
  const names = fc.constantFrom('username', 'password', 'accessToken', 'header', 'value', 'clientId', 'tokenEndpoint')
  return fc
    .tuple(declared, fc.dictionary(fc.oneof(names, fc.string()), valuesOf(additionalProperties), { maxKeys: 6 }))
    .map(([own, more]) => ({ ...more, ...own }))
}
