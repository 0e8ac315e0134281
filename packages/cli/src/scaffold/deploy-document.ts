import { wrapped } from '../wrap.ts'
import { type Content, callerVariables } from './content.ts'
import { extensionContent } from './extensions.ts'
import { PROSE_COLUMNS, platformSteps, variableRow } from './project.ts'
import { targets } from './targets.ts'

/** `extensions/{extension}/deploy/README.md`: how to deploy a ready-made extension. */
export function deployDocument(extension: string): string {
  const content = extensionContent(extension)
  const { variables, functionVariables = [], prefix, actionTypes } = content
  const [, key] = callerVariables(prefix)
  const rows = Object.entries(targets).map(
    ([target, { summary }]) =>
      `| ${summary} | \`preflow new my-guard --extension ${extension} --target ${target}\` |\n`,
  )
  return `# Deploy ${extension}

<!-- Made by tools/deploy-documents.ts from packages/cli/src/scaffold. -->

\`preflow new\` writes a project that runs ${extension}: the program for the target, its tests, a CI file, the files to deploy it, a key,
and a README with every step in the consoles of the target and the platform.

| where | command |
|---|---|
${rows.join('')}
In a clone of this repository, the command copies the packages into the project:

\`\`\`sh
npm ci
npm run preflow -- new my-guard --extension ${extension} --target lambda --dir ../my-guard
\`\`\`

The same tests run ${extension} on each of these targets before a change is merged.

## Required settings

| variable | what it does |
|---|---|
${variables.map(variableRow).join('')}${functionVariables.length > 0 ? `\nFor a function (AWS Lambda, Vercel), also:\n\n| variable | what it does |\n|---|---|\n${functionVariables.map(variableRow).join('')}` : ''}
The other settings have defaults, see the [README](../README.md).
${notes(content)}
## At the platform

In the console of Asgardeo or WSO2 Identity Server:

${actionTypes.map(type => platformSteps(type, content, key?.name ?? '')).join('\n')}`
}

function notes({ functionNote, state }: Content): string {
  const lines = [
    ...(state ? [`In a container, its data is in the volume \`/data\`. \`${state.variable}\` sets the location.`] : []),
    ...(functionNote ? [functionNote] : []),
  ]
  return lines.map(line => `\n${wrapped(line, '', PROSE_COLUMNS).join('\n')}\n`).join('')
}
