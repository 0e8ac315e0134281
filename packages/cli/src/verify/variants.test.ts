import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ActionType, actionTypes, platforms } from '@preflow/contract'
import { scenariosOf } from '../events/scenarios.ts'
import { veryLarge } from './variants.ts'

for (const type of Object.keys(actionTypes) as ActionType[]) {
  test(`a large event of ${type} has 48 KiB, as the report states`, () => {
    for (const scenario of scenariosOf(type)) {
      const request = { actionType: type, requestId: 'r-1', event: scenario.event(platforms.preflow) }
      const before = JSON.stringify(request)
      const after = JSON.stringify(veryLarge(request))
      const hasList = after !== before
      if (!hasList) continue
      const bytes = Buffer.byteLength(after)
      assert.ok(bytes > 49_000 && bytes <= 49_152, `${scenario.name}: ${bytes}`)
      assert.equal(after.match(/group-0-of/g)?.length, 1, 'in one list')
    }
    const grown = scenariosOf(type).filter(scenario => {
      const request = { actionType: type, event: scenario.event(platforms.preflow) }
      return JSON.stringify(veryLarge(request)) !== JSON.stringify(request)
    })
    assert.ok(grown.length > 0)
  })
}
