// Opens exports in speedscope's own page and in a browser, and compares the phases and times that
// are seen there with those of the records. Started by `check`.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { chromium } from 'playwright-core'

const [work, pictures] = process.argv.slice(2)
const release = path.join(work, 'node_modules/speedscope/dist/release')
const types = {
  '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.wasm': 'application/wasm',
}

// The page, and beside it the files, on loopback.
const server = http.createServer((request, response) => {
  const name = new URL(request.url, 'http://localhost').pathname
  const file = name.startsWith('/exports/')
    ? path.join(work, path.basename(name))
    : path.join(release, name === '/' ? 'index.html' : path.basename(name))
  if (!fs.existsSync(file)) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'text/plain' })
  response.end(fs.readFileSync(file))
})
await new Promise(done => server.listen(0, '127.0.0.1', done))
const address = `http://127.0.0.1:${server.address().port}`

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

async function open(url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
  const said = []
  page.on('console', message => said.push(message.text()))
  page.on('pageerror', error => said.push(`error: ${error.message}`))
  page.on('dialog', dialog => { said.push(`error: dialog ${dialog.message()}`); dialog.dismiss() })
  await page.goto(url)
  return { page, said }
}

// Each profile of a file: its name, and of each function its total as speedscope writes it.
async function profiles(file) {
  const { page, said } = await open(`${address}/#profileURL=/exports/${file}`)
  await page.waitForFunction(() => /Sandwich\n.+\n.*Export/.test(document.body.innerText))
  await page.waitForTimeout(300)
  await page.screenshot({ path: path.join(pictures, `${file}.time-order.png`) })
  // The view in which functions are a table.
  await page.keyboard.press('3')
  const all = {}
  const title = async () => (await page.innerText('body')).match(/Sandwich\n(.+)\n.*Export/)[1]
  // One profile alone is not numbered.
  const count = Number((await title()).match(/ \(1\/(\d+)\)$/)?.[1] ?? 1)
  for (let number = 1; number <= count; number++) {
    if (count > 1) {
      await page.waitForFunction(it => document.body.innerText.includes(it), `(${number}/${count})`)
    }
    await page.waitForFunction(() => document.querySelectorAll('td').length > 0)
    await page.waitForTimeout(200)
    if (number === 1) await page.screenshot({ path: path.join(pictures, `${file}.sandwich.png`) })
    const name = (await title()).replace(` (${number}/${count})`, '')
    all[name] = await page.$$eval('tr', rows => Object.fromEntries(rows
      .map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText.trim()))
      .filter(cells => cells.length === 3 && cells[0].endsWith('%)'))
      .map(([total, , name]) => [name, total.replace(/ \(.*/, '')])))
    await page.keyboard.press('n')
  }
  await page.close()
  assert.deepEqual(said.filter(it => it.startsWith('error')), [], file)
  return { all, said }
}

const buildThread = { load: '9.00ms', render: '40.00ms', page: '38.00ms', html: '32.00ms', write: '6.00ms' }
const timeline = {
  'build thread': buildThread,
  'thread 1': { page: '37.00ms', html: '31.00ms' },
  'thread 2': { page: '10.00ms' },
  'thread 2, overlapping calls 1': { page: '12.00ms' },
}

{
  const { all } = await profiles('speedscope-timeline.json')
  assert.deepEqual(all, {
    ...timeline,
    'all threads, sums of self time': {
      ...buildThread, render: '99.00ms', page: '97.00ms', html: '63.00ms', unattributed: '5.00ms',
    },
    'allocated bytes': {
      load: '1.43 MB', render: '9.46 MB', page: '9.46 MB', html: '9.35 MB', write: '62.50 KB',
      unattributed: '15.63 KB',
    },
  })
}
{
  const { all, said } = await profiles('chrome-trace-timeline.json')
  const build = 'static-site 2026-11-23T20:28:27.500Z (pid 1)'
  const named = Object.entries(timeline).map(([name, phases], number) =>
    [`${build}, ${name} (tid ${number + 1})`, phases])
  assert.deepEqual(all, Object.fromEntries(named))
  assert.deepEqual(said.filter(it => it.includes('Tried to end')), [])
}
const incremental = { discover: '219.88ms', 'cargo-metadata': '197.22ms' }
for (const file of ['speedscope-sums.json', 'chrome-trace-sums.json']) {
  const { all } = await profiles(file)
  const [name, phases] = Object.entries(all)[0]
  assert.match(name, /build thread.*(sums of self time|a layout of sums, not of moments)/)
  for (const [phase, total] of Object.entries(incremental)) assert.equal(phases[phase], total, file)
}
for (const build of [1, 2, 3, 4]) {
  for (const format of ['speedscope', 'chrome-trace']) {
    const { all } = await profiles(`${format}-hostile-${build}.json`)
    const names = Object.values(all).flatMap(phases => Object.keys(phases))
    assert.ok(names.some(name => name.includes('<script>')), 'names are shown as text')
  }
}
console.log('speedscope shows the phases of 12 files with their times')

for (const [file, frames] of [
  ['traced.svg', ['all (60,000 µs, 100%)', 'html (32,000 µs, 53.33%)', 'unattributed (5,000 µs, 8.33%)']],
  ...[1, 2, 3, 4].map(build => [`hostile-${build}.svg`, []]),
]) {
  const { page, said } = await open(`${address}/exports/${file}`)
  const titles = await page.$$eval('title', all => all.map(title => title.textContent))
  for (const frame of frames) assert.ok(titles.includes(frame), `${frame}: ${titles}`)
  assert.ok(titles.length > 1, file)
  assert.deepEqual(said.filter(it => it.startsWith('error')), [], file)
  await page.screenshot({ path: path.join(pictures, `${file}.png`) })
  await page.close()
}
console.log('the browser shows 5 flame graphs')
await browser.close()
server.close()
