// Shows how far the first version is, and opens it once it is there. The browser goes on
// listening by itself when the connection ends.
const bar = document.getElementById('bar')
const says = document.getElementById('says')
const events = new EventSource('/_kiosk/events')

events.addEventListener('version', () => location.reload())

events.addEventListener('progress', (event) => {
  const { have, want, says: text } = JSON.parse(event.data)
  bar.hidden = !want
  if (want) {
    bar.max = want
    bar.value = have
  }
  const share = want ? `${Math.floor((100 * have) / want)} % of ${megabytes(want)}` : ''
  says.textContent = [text, share].filter(Boolean).join(': ') || 'Waiting for its content'
})

function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`
}
