import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTurns, type Place } from './turns.ts'

/** Lets owners enter, and notes the order in which their turns come. */
function startQueue(limits: Parameters<typeof createTurns>[0]) {
  const turns = createTurns(limits)
  const order: string[] = []
  const enter = (owner: string, guest?: string): Place | undefined =>
    turns.enter({ owner, ...(guest === undefined ? {} : { guest }) }, () => order.push(owner))
  return { turns, order, enter }
}

test('owners get their turns one after the other, however many requests each has', () => {
  const { enter, order } = startQueue({ atOnce: 1 })
  const places = ['a', 'a', 'a', 'b', 'c', 'b'].map(owner => enter(owner))
  // Each ends their turn, and the next one begins.
  for (let ended = 0; ended < 6; ended++) {
    const working = places.findIndex(place => place?.hasTurn)
    places.splice(working, 1)[0]?.leave()
  }
  assert.deepEqual(order, ['a', 'a', 'b', 'c', 'a', 'b'])
})

test('an owner whose work never ends leaves the turns of the others free', () => {
  const { enter, order } = startQueue({ atOnce: 4, perOwner: 2 })
  for (let round = 0; round < 5; round++) enter('slow')
  enter('other')
  assert.deepEqual(order, ['slow', 'slow', 'other'])
})

test('a full queue refuses at once: for all, for an owner and for a guest', () => {
  const { enter } = startQueue({ atOnce: 1, waiting: 4, waitingPerOwner: 3, waitingPerGuest: 2 })
  enter('a')
  assert.ok(enter('a', 'x') && enter('a', 'x'))
  assert.equal(enter('a', 'x'), undefined)
  assert.ok(enter('a', 'y'))
  assert.equal(enter('a', 'z'), undefined)
  assert.ok(enter('b'))
  assert.equal(enter('c'), undefined)
})

test('those who leave the queue get no turn, and their place is free', () => {
  const { enter, order, turns } = startQueue({ atOnce: 1, waiting: 1 })
  const first = enter('a')
  const second = enter('b')
  second?.leave()
  const third = enter('c')
  first?.leave()
  third?.leave()
  assert.deepEqual(order, ['a', 'c'])
  assert.equal(turns.isIdle(), true)
})

test('the limits hold for any order of calls, and no call is lost', () => {
  const owner = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(fc.record({ enter: owner }), fc.record({ leave: fc.nat(30) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { enter, turns } = startQueue({ atOnce: 3, perOwner: 2, waiting: 5, waitingPerOwner: 3 })
      const inside: { owner: string; place: Place }[] = []
      for (const one of steps) {
        if ('enter' in one) {
          const place = enter(one.enter)
          if (place) inside.push({ owner: one.enter, place })
        } else inside.splice(one.leave % Math.max(1, inside.length), 1)[0]?.place.leave()
        const working = inside.filter(({ place }) => place.hasTurn)
        const waiting = inside.filter(({ place }) => !place.hasTurn)
        assert.ok(working.length <= 3 && waiting.length <= 5)
        const count = (list: typeof inside, name: string) => list.filter(({ owner }) => owner === name).length
        for (const name of ['a', 'b', 'c']) assert.ok(count(working, name) <= 2 && count(waiting, name) <= 3)
        // Nobody waits while a turn is free for them.
        if (working.length < 3) assert.ok(waiting.every(({ owner }) => count(working, owner) === 2))
      }
      while (inside.length > 0)
        inside
          .splice(
            inside.findIndex(({ place }) => place.hasTurn),
            1,
          )[0]
          ?.place.leave()
      assert.equal(turns.isIdle(), true)
    }),
  )
})
