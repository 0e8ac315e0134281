import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ENDPOINT_AUTHENTICATION_PROPERTIES } from '@preflow/contract'
import { managementRouteList, managementRoutes, type OpenApiOperation, openApiDocument } from './management.ts'

const document = openApiDocument(managementRouteList, { server: '/api/server/v1', version: '0.0.0' })
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

/** The part of the schema of an action that describes its credentials. */
declare const actionShape: {
  properties: {
    endpoint: {
      properties: {
        authentication: { properties: { properties: { properties: object; additionalProperties: boolean } } }
      }
    }
  }
}

/** Every value of `$ref` in the document. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) =>
    key === '$ref' && typeof member === 'string' ? [member] : references(member),
  )
}

function resolve(reference: string): unknown {
  return reference
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
}

test('the document is JSON', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document)
})

test('every route of the table is an operation with its own id', () => {
  const ids = operations.map(({ operation }) => operation.operationId)
  assert.deepEqual([...new Set(ids)].sort(), Object.keys(managementRoutes).sort())
  assert.equal(ids.length, Object.keys(managementRoutes).length)
})

test('every reference resolves, and every named schema is used', () => {
  const used = references(document)
  for (const reference of used) assert.notEqual(resolve(reference), undefined, `${reference} leads nowhere`)
  for (const name of Object.keys(document.components.schemas)) {
    assert.ok(used.includes(`#/components/schemas/${name}`), `${name} is named for nothing`)
  }
})

test('exactly the parameters of a path are declared and required', () => {
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const declared = operation.parameters.filter(parameter => parameter.in === 'path')
    assert.deepEqual(
      declared.map(({ name }) => name),
      inPath,
      path,
    )
    assert.ok(declared.every(({ required }) => required))
  }
})

test('every operation describes its effect, its responses and its access', () => {
  for (const { path, method, operation } of operations) {
    const title = `${method} ${path}`
    assert.notEqual(operation.summary, '', title)
    assert.ok(
      Object.keys(operation.responses).some(status => status.startsWith('2')),
      title,
    )
    assert.ok('401' in operation.responses && '403' in operation.responses, title)
    assert.deepEqual(Object.keys(operation.security[1] ?? {}), ['accessToken'], title)
    assert.match(Object.values(operation.security[1] ?? {})[0]?.[0] ?? '', /^internal_[a-z_]+$/, title)
  }
})

test('operations with a body describe the refusal of an unreadable one', () => {
  const withBody = operations.filter(({ operation }) => operation.requestBody)
  assert.ok(withBody.length > 5)
  for (const { operation } of withBody) {
    for (const status of ['400', '413', '415']) assert.ok(status in operation.responses, operation.operationId)
  }
})

test('a path without parameters comes before one with parameters that would match it', () => {
  for (const [index, route] of managementRouteList.entries()) {
    const hidden = managementRouteList.slice(0, index).find(earlier => {
      const pattern = new RegExp(`^${earlier.path.replace(/\{\w+\}/g, '[^/]+')}$`)
      return earlier.method === route.method && earlier.path !== route.path && pattern.test(route.path)
    })
    assert.equal(hidden?.name, undefined, `${route.name} is hidden`)
  }
})

test('a response can contain only the credentials’ members that are not secret', () => {
  const shown = Object.values(ENDPOINT_AUTHENTICATION_PROPERTIES).flatMap(properties => properties.shown)
  const action = document.components.schemas['Action'] as unknown as typeof actionShape
  const { properties } = action.properties.endpoint.properties.authentication.properties
  assert.deepEqual(Object.keys(properties.properties).sort(), [...new Set(shown)].sort())
  assert.equal(properties.additionalProperties, false)
})

test('the scope of each route can be looked up', () => {
  const create = operations.find(({ operation }) => operation.operationId === 'createAction') as {
    operation: OpenApiOperation
  }
  assert.deepEqual(create.operation.security, [{ administrator: [] }, { accessToken: ['internal_action_mgt_create'] }])
  assert.deepEqual(create.operation.requestBody?.content['application/json'].schema, {
    $ref: '#/components/schemas/ActionInput',
  })
})

test('the entry loads only its declarations, the contract and zod', () => {
  const loaded = new Set<string>()
  const pending = [new URL('./management.ts', import.meta.url)]
  for (let file = pending.pop(); file; file = pending.pop()) {
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}).* from '(.+)'$/gm)) {
      const found = specifier.startsWith('.') ? new URL(specifier, file) : undefined
      const name = found?.pathname ?? specifier
      if (found && !loaded.has(name)) pending.push(found)
      loaded.add(name)
    }
  }
  const outside = [...loaded].filter(
    name => !/\/(faces\/management\/routes|domain\/access\/permission-names)/.test(name),
  )
  assert.deepEqual(outside.sort(), ['@preflow/contract', 'zod'])
  assert.ok(loaded.size > 8)
})
