import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { actionTypes, answerMembers, answerStatuses, operationNames } from '@preflow/contract'
import { z } from 'zod'

type JsonSchema = Record<string, unknown>

const folder = join(import.meta.dirname, '../packages/contract/schemas')
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const text: JsonSchema = { type: 'string' }

/** A schema of the contract without the keywords that only a whole document has. */
function schemaOf(schema: unknown): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema as z.ZodType, { target: 'draft-2020-12', io: 'input' })
  return rest
}

function object(properties: JsonSchema, required: readonly string[], rest: JsonSchema = {}): JsonSchema {
  return { type: 'object', properties, required: [...required], ...rest }
}

/** The members of each operation besides `op`. */
const operationValues: Record<(typeof operationNames)[number], readonly string[]> = {
  add: ['path', 'value'],
  remove: ['path'],
  replace: ['path', 'value'],
  redirect: ['url'],
}

function operation(op: (typeof operationNames)[number]): JsonSchema {
  const members: JsonSchema = { op: { const: op }, path: text, value: {}, url: { type: 'string', format: 'uri' } }
  const required = ['op', ...operationValues[op]]
  return object(Object.fromEntries(required.map(name => [name, members[name]])), required, {
    additionalProperties: false,
  })
}

/** The request that a platform sends for one action type. */
function requestSchema({ eventSchema, offers, type }: (typeof actionTypes)[keyof typeof actionTypes]): JsonSchema {
  const allowed = object({ op: { enum: [...operationNames] }, paths: { type: 'array', items: text } }, ['op'])
  return object(
    {
      actionType: { const: type },
      flowId: text,
      event: schemaOf(eventSchema),
      allowedOperations: { type: 'array', items: allowed },
      requestId: text,
    },
    ['actionType', 'event', ...(offers.length > 0 ? ['allowedOperations'] : [])],
  )
}

/** The possible answers of an extension for one action type, by the kind of their HTTP status. */
function answerSchemas(descriptor: (typeof actionTypes)[keyof typeof actionTypes]): Record<string, JsonSchema> {
  const edits = descriptor.offers.map(({ op }) => op).filter(op => op !== 'redirect')
  const members: Record<string, JsonSchema> = {
    operations: { type: 'array', items: edits.length > 0 ? { oneOf: [...new Set(edits)].map(operation) } : false },
    data: descriptor.answerDataSchema ? schemaOf(descriptor.answerDataSchema) : {},
    failureReason: text,
    failureDescription: text,
    errorMessage: text,
    errorDescription: text,
  }
  const answer = (status: keyof typeof answerMembers, required: readonly string[], own: JsonSchema = {}) =>
    object(
      {
        actionStatus: { const: status },
        ...Object.fromEntries(answerMembers[status].map(name => [name, members[name]])),
        ...own,
      },
      ['actionStatus', ...required],
      { additionalProperties: false },
    )
  const redirect = { type: 'array', items: operation('redirect'), minItems: 1, maxItems: 1 }
  return {
    decision: {
      oneOf: [
        answer('SUCCESS', []),
        answer('FAILED', ['failureReason']),
        ...(descriptor.mayRedirect ? [answer('INCOMPLETE', ['operations'], { operations: redirect })] : []),
      ],
    },
    error: answer('ERROR', ['errorMessage']),
  }
}

function documentOf(descriptor: (typeof actionTypes)[keyof typeof actionTypes]): JsonSchema {
  const { decision, error } = answerSchemas(descriptor)
  return {
    $schema: DIALECT,
    $id: `urn:preflow:contract:${descriptor.path}`,
    title: descriptor.displayName,
    description:
      'The request to an extension. $defs has its answers: decision with status 200, error with 400, 401 or 500.',
    ...requestSchema(descriptor),
    $defs: { decision, error },
  }
}

/** The interface of an extension as OpenAPI. */
function openApi(): JsonSchema {
  const schemas: JsonSchema = {}
  for (const descriptor of Object.values(actionTypes)) {
    const name = descriptor.path[0]?.toUpperCase() + descriptor.path.slice(1)
    const { decision, error } = answerSchemas(descriptor)
    schemas[`${name}Request`] = requestSchema(descriptor)
    schemas[`${name}Decision`] = decision
    schemas['Error'] = error
  }
  const all = (suffix: string) =>
    Object.keys(schemas)
      .filter(name => name.endsWith(suffix))
      .map(name => ({ $ref: `#/components/schemas/${name}` }))
  const json = (schema: JsonSchema) => ({ 'application/json': { schema } })
  const responses = Object.entries(answerStatuses).map(([status, { carries }]) => [
    status,
    carries === 'decision'
      ? { description: 'A decision.', content: json({ oneOf: all('Decision') }) }
      : { description: 'The extension failed.', content: json({ $ref: '#/components/schemas/Error' }) },
  ])
  return {
    openapi: '3.1.1',
    info: {
      title: 'Service extension',
      version: '1',
      description: 'The answers of an extension to the calls of an identity platform.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/': {
        post: {
          operationId: 'callExtension',
          summary: 'Decide about one event',
          requestBody: { required: true, content: json({ oneOf: all('Request') }) },
          responses: Object.fromEntries(responses),
        },
      },
    },
    components: { schemas },
  }
}

// Run this file with --test-update-snapshots to write the files.
describe('packages/contract/schemas has the contract for other languages', () => {
  const documents: Record<string, JsonSchema> = {
    ...Object.fromEntries(
      Object.values(actionTypes).map(descriptor => [
        `${descriptor.type.toLowerCase().replaceAll('_', '-')}.json`,
        documentOf(descriptor),
      ]),
    ),
    'openapi.json': openApi(),
  }

  for (const [name, document] of Object.entries(documents)) {
    test(name, context => {
      const written = `${JSON.stringify(document, undefined, 2)}\n`
      context.assert.fileSnapshot(written, join(folder, name), { serializers: [content => content] })
    })
  }

  test('nothing else is there', () => {
    assert.deepEqual(readdirSync(folder).toSorted(), Object.keys(documents).toSorted())
    for (const name of Object.keys(documents)) JSON.parse(readFileSync(join(folder, name), 'utf8'))
  })
})
