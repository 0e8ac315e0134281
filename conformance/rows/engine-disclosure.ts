import assert from 'node:assert/strict'
import { type Platform, platforms } from '@preflow/contract'
import { type ActionCall, disclose } from '@preflow/engine'
import type { Json } from '../extension-under-test.ts'
import { row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import type { ActionSettings } from '../stage-actions.ts'
import { askWithRawHeaders, throughDisclose, withSettings } from './engine-under-test.ts'
import { AT, issued, lastEvent, MACHINE_FORM } from './tokens.ts'

/** What the client of these rows sends. */
const HEADERS = { 'X-Header-1': 'one', 'X-Header-2': 'two', 'X-Header-3': 'three' }
const PARAMETERS = { 'x-param-1': 'one', 'X-Param-2': 'two', 'x-param-3': 'three' }

const SERVER_HEADERS = { allowedHeaders: ['content-type', 'x-header-3'] }
const SERVER_PARAMETERS = { allowedParameters: ['x-Param-2', 'x-param-3'] }

const names = (list: Json): string[] => (list ?? []).map(({ name }: { name: string }) => name)
const shown = (stage: Stage) => {
  const { additionalHeaders, additionalParams } = lastEvent(stage).request
  return { headers: names(additionalHeaders), parameters: names(additionalParams) }
}

/** What reaches the extension of an action with these settings. */
async function disclosedBy(stage: Stage, settings: ActionSettings): Promise<ReturnType<typeof shown>> {
  await stage.configure(AT, settings)
  issued(await stage.token(stage.machine, { ...MACHINE_FORM, ...PARAMETERS }, HEADERS))
  return shown(stage)
}

/** What the engine forwards of the client's request if the platform excludes names. */
function disclosedWith(
  { platform }: Stage,
  disclosing: Partial<Platform['disclosing']>,
  endpoint: Partial<ActionCall['action']['endpoint']>,
  type: ActionCall['action']['type'] = AT,
): ReturnType<typeof shown> {
  const listed = (pairs: Record<string, string>) =>
    Object.entries(pairs).map(([name, value]) => ({ name, value: [value] }))
  const { event } = disclose({
    action: {
      id: 'action-of-the-row',
      type,
      version: 'v1',
      endpoint: { uri: 'https://extension.test', authentication: { type: 'NONE' }, ...endpoint },
    },
    platform: { ...platform, disclosing: { ...platform.disclosing, ...disclosing } },
    event: {
      request: {
        additionalHeaders: listed({ 'Content-Type': 'application/x-www-form-urlencoded', ...HEADERS }),
        additionalParams: listed(PARAMETERS),
      },
      tenant: { id: '1', name: 'acme' },
    },
    facts: {},
    requestId: 'request-of-the-row',
  })
  const { additionalHeaders, additionalParams } = (event as Json).request
  return { headers: names(additionalHeaders), parameters: names(additionalParams) }
}

const excluding = (...names: string[]): Partial<Platform['disclosing']> => ({
  excludedHeaders: names,
  excludedParameters: names,
})

export const disclosure: Section = {
  title: 'Filtering of headers and parameters',
  rows: [
    row('E15', 'action allows X-Header-1, x-header-2, X-Header-3: 3 headers, names lower-cased', async stage => {
      const { headers } = await disclosedBy(stage, { allowedHeaders: ['X-Header-1', 'x-header-2', 'X-Header-3'] })
      assert.deepEqual(headers, ['x-header-1', 'x-header-2', 'x-header-3'])
    }),
    row(
      'E16',
      'server allows content-type, x-header-3; action allows X-Header-1, x-header-2: only the two action headers',
      async stage => {
        await stage.configure(AT, { allowedHeaders: ['X-Header-1', 'x-header-2'] })
        await withSettings(stage, SERVER_HEADERS, async token => {
          assert.equal((await token(PARAMETERS, HEADERS)).status, 200)
        })
        assert.deepEqual(shown(stage).headers, ['x-header-1', 'x-header-2'])
      },
    ),
    row('E17', 'server allows content-type, x-header-3; action list empty: those two', stage =>
      withSettings(stage, SERVER_HEADERS, async token => {
        assert.equal((await token(PARAMETERS, HEADERS)).status, 200)
        assert.deepEqual(shown(stage).headers.sort(), ['content-type', 'x-header-3'])
      }),
    ),
    throughDisclose(
      row('E18', 'action allows three, server excludes x-header-2 (entries in lower case): two left', async stage => {
        const allowedHeaders = ['x-header-1', 'x-header-2', 'x-header-3']
        const { headers } = disclosedWith(stage, excluding('x-header-2'), { allowedHeaders })
        assert.deepEqual(headers, ['x-header-1', 'x-header-3'])
      }),
    ),
    throughDisclose(
      row(
        'E19',
        'action allows X-Header-2, server excludes x-header-2, case-insensitive on: removed; with the switch off it stays',
        async stage => {
          assert.equal(platforms['wso2-is-next'].disclosing.caseInsensitiveExclusion, true)
          const allowedHeaders = ['X-Header-2']
          assert.deepEqual(disclosedWith(stage, excluding('x-header-2'), { allowedHeaders }).headers, [])
          const off = { ...excluding('x-header-2'), caseInsensitiveExclusion: false }
          assert.deepEqual(disclosedWith(stage, off, { allowedHeaders }).headers, ['x-header-2'])
        },
      ),
    ),
    row('E20', 'action allows x-param-1, X-Param-2, x-param-3: 3 params, case preserved', async stage => {
      const { parameters } = await disclosedBy(stage, { allowedParameters: ['x-param-1', 'X-Param-2', 'x-param-3'] })
      assert.deepEqual(parameters, ['x-param-1', 'X-Param-2', 'x-param-3'])
    }),
    row(
      'E21',
      'server param allow x-Param-2, x-param-3; action none: 1 param (x-param-3), case mismatch dropped',
      stage =>
        withSettings(stage, SERVER_PARAMETERS, async token => {
          assert.equal((await token(PARAMETERS, HEADERS)).status, 200)
          assert.deepEqual(shown(stage).parameters, ['x-param-3'])
        }),
    ),
    throughDisclose(
      row(
        'E22',
        'exclude x-param-1, x-param-2, x-param-3; action allows x-param-1, X-Param-2, x-param-3: only X-Param-2',
        async stage => {
          const allowedParameters = ['x-param-1', 'X-Param-2', 'x-param-3']
          const excluded = excluding('x-param-1', 'x-param-2', 'x-param-3')
          assert.deepEqual(disclosedWith(stage, excluded, { allowedParameters }).parameters, ['X-Param-2'])
        },
      ),
    ),
    throughDisclose(
      row('E23', 'PRE_UPDATE_PASSWORD, nothing configured: no headers, no params', async stage => {
        assert.deepEqual(disclosedWith(stage, {}, {}, 'PRE_UPDATE_PASSWORD'), { headers: [], parameters: [] })
      }),
    ),
    row('E24', 'PRE_ISSUE_ACCESS_TOKEN, nothing configured: all headers (lower-cased) and all params', async stage => {
      const { headers, parameters } = await disclosedBy(stage, {})
      for (const name of ['content-type', 'user-agent', 'host', 'x-header-1', 'x-header-2', 'x-header-3']) {
        assert(headers.includes(name), `${name} of ${headers}`)
      }
      assert.deepEqual(
        headers,
        headers.map(name => name.toLowerCase()),
      )
      assert.deepEqual(parameters, ['grant_type', 'x-param-1', 'X-Param-2', 'x-param-3'])
    }),
    row(
      'E25',
      'PRE_ISSUE_ACCESS_TOKEN, exclude `authorization`, request header `Authorization`, defaults: not forwarded',
      async stage => {
        assert.equal(await askWithRawHeaders(stage, 'X-Header-1', 'one'), 200)
        const seen = shown(stage).headers
        assert(seen.includes('x-header-1'))
        assert(!seen.includes('authorization'))
        assert(!JSON.stringify(stage.extension(AT).calls).includes(String(stage.machine.clientSecret)))
      },
    ),
    row('E26', 'header with two values: value array of two strings', async stage => {
      await stage.configure(AT, { allowedHeaders: ['x-header-1'] })
      assert.equal(await askWithRawHeaders(stage, 'X-Header-1', 'first', 'X-Header-1', 'second'), 200)
      assert.deepEqual(lastEvent(stage).request.additionalHeaders, [{ name: 'x-header-1', value: ['first', 'second'] }])
    }),
  ],
}
