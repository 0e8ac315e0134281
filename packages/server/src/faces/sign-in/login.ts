import { present } from '@preflow/contract'
import { passwordComplaint, REFUSAL_STATUS } from '../../domain/credentials/check-password.ts'
import { beginSignIn, continuesSession } from '../../domain/sign-in/flow.ts'
import { isBeingChecked } from '../../domain/sign-in/returns.ts'
import { BASIC_AUTHENTICATOR, isPasswordOnly, methodOf, sequenceOf } from '../../domain/sign-in/sequence.ts'
import { namedValues } from '../../ground/http/named-values.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import { choicePage, goOnPage, signInPage } from '../../ground/pages/pages.ts'
import { redirect, sendProblemPage } from '../../ground/pages/send.ts'
import { maySignIn } from '../../ground/store/account-state.ts'
import { findAuthenticator } from '../../ground/store/authenticators.ts'
import type { Authenticator, PassedStep, SentAway, SignInFlow, User } from '../../ground/store/model.ts'
import { changeSignInFlow, findSignInFlowOf } from '../../ground/store/sign-in-flows.ts'
import { findUserById } from '../../ground/store/users.ts'
import { callExtension, type Decision, processingError } from './custom-authenticator.ts'
import { returnOf } from './returning.ts'
import { signInProblems } from './sign-in-problems.ts'
import { csrfOf, finish, type Prompt, pathOf, showPage, type Visit } from './visit.ts'

/** An option of a step. Without an authenticator it is the password page. */
interface Option {
  name: string
  title: string
  authenticator?: Authenticator
}

/** The current step of a sign-in. */
interface Step {
  visit: Visit
  flow: SignInFlow
  /** The available options. */
  options: Option[]
  /** The only option, or the user's choice. Absent: the user must choose. */
  option?: Option
}

/** Signs the user in, with the password or through the steps of the application. */
export const login: Prompt = {
  async show(visit) {
    const hint = visit.interaction.params['login_hint']
    const view = typeof hint === 'string' ? { userName: hint } : {}
    if (isPasswordOnly(sequenceOf(visit.application))) return showPassword(visit, 200, view)
    const step = await currentStep(visit)
    if (step) await showStep(step, view)
  },

  async submit(visit, form) {
    if (isPasswordOnly(sequenceOf(visit.application))) {
      const user = await readPassword(visit, form)
      if (user) await finishLogin(visit, user, [BASIC_AUTHENTICATOR])
      return
    }
    const step = await currentStep(visit)
    if (step) await submitStep(step, form)
  },
}

function showPassword(
  visit: Visit,
  status: number,
  view: { userName?: string; complaint?: string; hasOthers?: boolean },
): void {
  const { application } = visit
  const page = signInPage({ application: application.name, csrf: csrfOf(visit), ...view })
  showPage(visit, status, page)
}

/** Returns the user of the form's password. Returns nothing if it was wrong and the page is shown again. */
async function readPassword(
  visit: Visit,
  form: URLSearchParams,
  { previous, hasOthers = false }: { previous?: User; hasOthers?: boolean } = {},
): Promise<User | undefined> {
  const { ports, request, server } = visit
  const userName = form.get('username') ?? ''
  const password = form.get('password') ?? ''
  const verdict = await ports.checkPassword({ issuer: server.issuer, userName, password }, request)
  if (verdict.status !== 'right') {
    if ('afterSeconds' in verdict) visit.response.setHeader('retry-after', verdict.afterSeconds)
    const complaint = passwordComplaint(verdict)
    showPassword(visit, REFUSAL_STATUS[verdict.status], { userName, complaint, hasOthers })
    return undefined
  }
  if (previous && previous.id !== verdict.user.id) {
    const complaint = 'This is not the user of the previous step. Sign in as the same user.'
    showPassword(visit, 400, { userName: previous.userName, complaint, hasOthers })
    return undefined
  }
  return verdict.user
}

/** Returns the current step of the sign-in. Returns nothing if there is none, after answering the browser. */
async function currentStep(visit: Visit): Promise<Step | undefined> {
  const { application, interaction, ports, request, response, server } = visit
  const find = () => findSignInFlowOf(ports.db, interaction.uid)
  let flow = await find()
  if (!flow) {
    // At the start of the sign-in the application required only the password.
    const { headers } = ports.clientRequestOf(request)
    const parameters = namedValues(interaction.params)
    await beginSignIn({ interaction, issuer: server.issuer, application }, { headers, parameters }, ports)
    flow = await find()
  }
  if (!flow || flow.isDecided) {
    if (interaction.result) redirect(response, 303, interaction.returnTo)
    else if (flow?.refusal) await finish(visit, flow.refusal)
    else if (flow && Object.values(flow.sentAway ?? {}).some(away => isBeingChecked(away, ports.db.now()))) {
      // Another request of this browser decided it and is about to store the result.
      showWait(visit)
    } else sendProblemPage(response, signInProblems.over())
    return undefined
  }
  // The application requires fewer steps than at the start of the sign-in.
  if (flow.passed.length >= sequenceOf(application).steps.length) {
    await decide(visit, flow, flow.passed)
    return undefined
  }
  const options = await optionsOf(visit, flow)
  const option = options.length === 1 ? options[0] : options.find(({ name }) => name === flow.chosen)
  return { visit, flow, options, ...(option ? { option } : {}) }
}

async function optionsOf({ application, ports, server }: Visit, flow: SignInFlow): Promise<Option[]> {
  const { tenant, organization } = server.issuer
  const index = flow.passed.length
  const options: Option[] = []
  for (const name of sequenceOf(application).steps[index]?.options ?? []) {
    if (name === BASIC_AUTHENTICATOR) {
      options.push({ name, title: 'Password' })
      continue
    }
    const authenticator =
      (await findAuthenticator(ports.db, tenant.id, organization.id, name)) ??
      (await findAuthenticator(ports.db, tenant.id, tenant.rootOrganizationId, name))
    const isUsable =
      authenticator?.action.status === 'ACTIVE' &&
      !ports.areAuthenticatorsOff &&
      (index > 0 || authenticator.authenticationType === 'IDENTIFICATION')
    if (isUsable) options.push({ name, title: authenticator.displayName, authenticator })
  }
  return options
}

async function showStep(step: Step, view: { userName?: string }): Promise<void> {
  const { visit, flow, option, options } = step
  const { application, ports, request } = visit
  if (options.length === 0) {
    const facts = { application: application.name, step: flow.passed.length + 1 }
    ports.log.warn(facts, 'no one can sign in: every authenticator of the step is missing or disabled')
    return refuse(step, processingError('any of the authenticators of the application'))
  }
  const user = await userOf(step)
  if (user === 'gone') return refuse(step, USER_GONE)
  if (!option) {
    const choices = options.map(({ name, title }) => ({ name, title }))
    const page = choicePage({ application: application.name, csrf: csrfOf(visit), choices })
    return showPage(visit, 200, page)
  }
  const { authenticator } = option
  if (!authenticator) {
    const known = user ? { userName: user.userName } : view
    return showPassword(visit, 200, { ...known, hasOthers: options.length > 1 })
  }
  // A prefetch must not call the extension.
  if (request.method === 'HEAD') return showGoOn(visit)
  return callAuthenticator(step, authenticator, user)
}

/**
 * Calls the extension of a step. The first call happens for any request of the browser. After a redirect it is called only when
 * the browser returns. Until then the browser is redirected to the extension's page again.
 */
async function callAuthenticator(step: Step, authenticator: Authenticator, user: User | undefined): Promise<void> {
  const { visit, flow } = step
  const { application, ports, response } = visit
  const { db } = ports
  const { name } = authenticator
  const returned = returnOf(visit, flow)
  const away = flow.sentAway?.[name]
  if (away && isBeingChecked(away, db.now())) return showWait(visit)
  if (away && !returned) return redirect(response, 302, away.url)
  // So that a second click does not use up the proof of the first one.
  const current = away ? await noteSentAway(visit, flow, name, { ...away, checkedAt: db.now() }) : flow
  if (!current) return reload(visit)
  const asking = { authenticator, application, issuer: visit.server.issuer, flow: current }
  const decision = await callExtension({ ...asking, ...present({ user, returnCode: returned?.code }) }, ports)
  switch (decision.status) {
    case 'redirected': {
      const { awaitsReturn, url } = decision
      if (awaitsReturn && !(await noteSentAway(visit, current, name, { url }))) return reload(visit)
      return redirect(response, 302, url)
    }
    case 'refused':
      return refuse({ visit, flow: current }, decision)
    case 'passed':
      return pass({ visit, flow: current }, name, decision.user, () => reload(visit))
    default:
      return decision satisfies never
  }
}

/** Returns the changed flow, or nothing if another request changed the flow first. */
async function noteSentAway(
  { ports }: Visit,
  flow: SignInFlow,
  name: string,
  away: SentAway,
): Promise<SignInFlow | undefined> {
  const sentAway = { ...flow.sentAway, [name]: away }
  if (!(await changeSignInFlow(ports.db, flow, { sentAway }))) return undefined
  return { ...flow, sentAway, version: flow.version + 1 }
}

async function submitStep(step: Step, form: URLSearchParams): Promise<void> {
  const { visit, flow, option, options } = step
  const { ports } = visit
  if (form.get('step') === 'other') {
    await changeSignInFlow(ports.db, flow, { chosen: undefined })
    return reload(visit)
  }
  const chosen = options.find(({ name }) => name === form.get('authenticator'))
  if (chosen) {
    await changeSignInFlow(ports.db, flow, { chosen: chosen.name })
    return chosen.authenticator ? showGoOn(visit) : reload(visit)
  }
  if (option?.name !== BASIC_AUTHENTICATOR || !form.has('password')) return reload(visit)
  const previous = await userOf(step)
  if (previous === 'gone') return refuse(step, USER_GONE)
  const user = await readPassword(visit, form, {
    ...(previous ? { previous } : {}),
    hasOthers: options.length > 1,
  })
  if (!user) return
  await pass(step, BASIC_AUTHENTICATOR, user, () => showGoOn(visit))
}

const USER_GONE: Decision & { status: 'refused' } = {
  status: 'refused',
  error: 'access_denied',
  description: 'The user was deleted, deactivated or locked.',
}

/** The user of the previous steps. */
async function userOf({ flow, visit }: Step): Promise<User | 'gone' | undefined> {
  const last = flow.passed.at(-1)
  if (!last) return undefined
  return (await findPassed(visit, last)) ?? 'gone'
}

/** The user of a step, unless they were deactivated or changed their password since. */
async function findPassed(
  { ports, server }: Visit,
  { generation = '', userId }: PassedStep,
): Promise<User | undefined> {
  const user = await findUserById(ports.db, server.issuer.tenant.id, userId)
  return user && maySignIn(user, ports.db.now()) && user.generation === generation ? user : undefined
}

/** Stores that the step is passed and continues with the next one, or returns to the application. */
async function pass(
  { flow, visit }: Pick<Step, 'flow' | 'visit'>,
  authenticator: string,
  user: User,
  goOn: () => void,
): Promise<void> {
  const passed = [...flow.passed, { authenticator, userId: user.id, ...present({ generation: user.generation }) }]
  // The password check records its own event.
  if (authenticator !== BASIC_AUTHENTICATOR) {
    noteEvent('sign_in.step_passed', { targetId: user.id, details: { factor: authenticator } })
  }
  if (passed.length >= sequenceOf(visit.application).steps.length) return decide(visit, flow, passed)
  const isKept = await changeSignInFlow(visit.ports.db, flow, { passed, chosen: undefined, sentAway: undefined })
  return isKept ? goOn() : reload(visit)
}

/** Signs in the user of the subject's step. */
async function decide(visit: Visit, flow: SignInFlow, passed: SignInFlow['passed']): Promise<void> {
  const { subjectStep } = sequenceOf(visit.application)
  const subject = passed[subjectStep - 1] ?? passed.at(-1)
  if (!subject) throw new Error('a sign-in was decided before any step was passed')
  // The extension call may have taken seconds since the user was looked up.
  const user = await findPassed(visit, subject)
  if (!user) return refuse({ visit, flow }, USER_GONE)
  if (!(await changeSignInFlow(visit.ports.db, flow, { passed, isDecided: true }))) return reload(visit)
  const authenticators = passed.map(({ authenticator }) => authenticator)
  await finishLogin(visit, user, authenticators)
}

/** Shows the current state of the sign-in. If another request of this browser was faster, its decision holds. */
function reload(visit: Visit): void {
  redirect(visit.response, 303, pathOf(visit))
}

async function refuse(
  { flow, visit }: Pick<Step, 'flow' | 'visit'>,
  refusal: Decision & { status: 'refused' },
): Promise<void> {
  if (!(await changeSignInFlow(visit.ports.db, flow, { isDecided: true }))) return reload(visit)
  const { error, description } = refusal
  noteEvent('sign_in.refused', { targetId: visit.application.id, clientId: visit.application.clientId, reason: error })
  await finish(visit, { error, ...(description === undefined ? {} : { error_description: printable(description) }) })
}

/** Replaces characters that RFC 6749, section 4.1.2.1, does not allow in a description. */
function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, '?')
}

async function finishLogin(visit: Visit, user: User, authenticators: readonly string[]): Promise<void> {
  const { generation, id: accountId } = user
  visit.ports.rememberBrowser(visit.request, visit.response, user)
  const { session } = visit.interaction
  // The methods of the session stay if only its missing steps are added.
  const before = continuesSession(visit.interaction) && session?.accountId === accountId ? (session.amr ?? []) : []
  const amr = [...new Set([...before, ...authenticators.map(methodOf)])]
  const actor = { kind: 'user', id: accountId } as const
  const { clientId } = visit.application
  noteEvent('sign_in.succeeded', { actor, clientId, targetId: accountId, details: { factors: amr } })
  await finish(visit, { login: { accountId, amr, ...present({ generation }) } })
}

/**
 * Continues with a page instead of a redirect. Browsers apply the policy of a form's page to the redirects after the form, and
 * the extension's address is unknown when that page is made.
 */
function showGoOn(visit: Visit): void {
  showPage(visit, 200, goOnPage({ application: visit.application.name, url: pathOf(visit) }))
}

/** Shows a page that reloads after a second, because another request of this browser is calling the extension. */
function showWait(visit: Visit): void {
  showPage(visit, 200, goOnPage({ application: visit.application.name, url: pathOf(visit), afterSeconds: 1 }))
}
