import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SAMPLE_PASSWORD } from '@preflow/contract/guides'
import { credentialOf, encryptCredential } from '@preflow/engine'
import { type Decision, decisionOf, isError } from '../answer.ts'
import { type Check, createProblems, notChecked, type Subject } from '../check.ts'
import type { Exchange } from '../session.ts'
import { withCredential } from '../variants.ts'

/** Passwords that are in every list of common passwords. */
const NOTORIOUS = ['P@ssw0rd', 'password', '123456', 'qwerty123'] as const

type Answered = { exchange: Exchange; decision: Decision } | undefined

async function ask({ session, type, usual }: Subject, variant: string, credential: unknown): Promise<Answered> {
  const [exchange] = await session.sendScenario(type, usual, { variant, rewrite: withCredential(credential) })
  return exchange && { exchange, decision: decisionOf(exchange) }
}

let publicKey: KeyObject | undefined

/** A public key without a private key, for passwords that cannot be decrypted. Created once, because that is slow. */
function keyWithoutOwner(): KeyObject {
  publicKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  return publicKey
}

/** A notorious password that is refused in clear, and the decisions on the others. */
async function findRefused(subject: Subject): Promise<{ refused?: string; decisions: readonly Decision[] }> {
  const decisions: Decision[] = []
  for (const password of NOTORIOUS) {
    const answered = await ask(subject, 'a notorious password', credentialOf(password))
    if (!answered) continue
    decisions.push(answered.decision)
    if (answered.decision.status === 'FAILED') return { refused: password, decisions }
  }
  return { decisions }
}

/**
 * Every form in which a platform can send a password other than in clear. The key is that of the certificate, or a new
 * one.
 */
function formsOf(
  password: string,
  key: KeyObject,
): readonly { words: string; credential: unknown; isEncrypted: boolean }[] {
  const plain = credentialOf(password)
  const hashed = credentialOf(password, 'SHA256_HASHED')
  return [
    { words: 'as SHA-256', credential: hashed, isEncrypted: false },
    { words: 'encrypted', credential: encryptCredential(plain, key, 'text'), isEncrypted: true },
    {
      words: 'encrypted, character by character',
      credential: encryptCredential(plain, key, 'characters'),
      isEncrypted: true,
    },
    { words: 'as SHA-256, encrypted', credential: encryptCredential(hashed, key, 'text'), isEncrypted: true },
    {
      words: 'as SHA-256, encrypted, character by character',
      credential: encryptCredential(hashed, key, 'characters'),
      isEncrypted: true,
    },
  ]
}

export const passwordChecks: readonly Check[] = [
  {
    id: 'event.credential-forms',
    title: 'A refused password is refused in every form',
    why: 'Platforms send passwords in clear, as SHA-256, or either of them encrypted. An unsupported form must not bypass the check.',
    fix: 'Read all forms, or answer ERROR for those that you cannot check. Never answer SUCCESS.',
    level: 'must',
    scope: 'type',
    types: ['PRE_UPDATE_PASSWORD'],
    async run(subject) {
      const problems = createProblems()
      const isTheirs = subject.encryptionKey !== undefined
      const key = subject.encryptionKey ?? keyWithoutOwner()
      const { refused } = await findRefused(subject)
      let unreadable = 0
      const judge = async (
        about: string,
        password: string,
        isWrong: (decision: Decision, isReadable: boolean) => boolean,
        text: (decision: Decision) => string,
      ) => {
        for (const { words, credential, isEncrypted } of formsOf(password, key)) {
          const answered = await ask(subject, `${about} ${words}`, await credential)
          if (!answered) continue
          const { exchange, decision } = answered
          if (decision.status === 'unusable') unreadable += 1
          if (isWrong(decision, isTheirs || !isEncrypted)) problems.add(text(decision), exchange)
        }
      }
      if (refused !== undefined) {
        await judge(
          'a refused password',
          refused,
          ({ status }) => status === 'SUCCESS',
          () => 'A password that is refused in clear is allowed.',
        )
      }
      await judge(
        'a good password',
        SAMPLE_PASSWORD,
        // The extension may decline hashes, because many lists contain other hashes. It must read what is encrypted
        // with its own key.
        (decision, isReadable) => isTheirs && isReadable && isError(decision),
        ({ words }) => `The answer is ${words}.`,
      )
      const notes = [
        ...(refused === undefined ? ['it refused no password in clear, so the forms could not be compared'] : []),
        ...(isTheirs ? [] : ['encrypted with a key that it does not have, because --certificate was not set']),
        ...(unreadable > 0 ? [`${unreadable} answers are unreadable, see the checks of answers`] : []),
      ]
      return problems.finding(notes.join('; ') || undefined)
    },
  },
  {
    id: 'event.refuses-passwords',
    title: 'It refuses a notorious password',
    why: 'The most common defect is a check that never runs: a claim with the wrong name, a condition that is always false.',
    fix: 'If the extension should refuse breached passwords, find out why it did not. Otherwise ignore this advice.',
    level: 'should',
    scope: 'type',
    types: ['PRE_UPDATE_PASSWORD'],
    async run(subject) {
      const { refused, decisions } = await findRefused(subject)
      const problems = createProblems()
      if (refused === undefined) {
        if (!decisions.some(({ status }) => status === 'SUCCESS')) return notChecked('None of them was decided.')
        problems.add(`It allows ${NOTORIOUS.join(', ')}.`, subject.usual.name)
      }
      return problems.finding()
    },
  },
]
