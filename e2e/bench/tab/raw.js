// One end of a bare data channel, as the SDK's bulk channel is made, for who drives the page.
globalThis.raw = (() => {
  const message = new Uint8Array(64 << 10)
  const most = 1 << 20 // bytes that wait to be sent
  let pc
  let channel
  let got = 0
  let sending = false

  function fill() {
    while (sending && channel.readyState === 'open' && channel.bufferedAmount < most) channel.send(message)
  }

  function make() {
    pc = new RTCPeerConnection()
    channel = pc.createDataChannel('bulk', { negotiated: true, id: 1, ordered: false })
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = most / 2
    channel.onbufferedamountlow = fill
    channel.onopen = fill
    channel.onmessage = (e) => { got += e.data.byteLength }
  }

  async function described() {
    await pc.setLocalDescription()
    while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => { pc.onicegatheringstatechange = resolve })
    return pc.localDescription.sdp
  }

  return {
    async offer() {
      make()
      return described()
    },
    async answer(sdp) {
      make()
      await pc.setRemoteDescription({ type: 'offer', sdp })
      return described()
    },
    accept: (sdp) => pc.setRemoteDescription({ type: 'answer', sdp }),
    send() {
      sending = true
      fill()
    },
    got: () => got,
  }
})()
