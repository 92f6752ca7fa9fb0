// The little a browser does by itself: append points to a chart, and say so when the gateway has gone silent.
window.meterTrail = {
  last: Date.now(),
  beat() {
    this.last = Date.now();
    document.documentElement.classList.remove("silent");
  },
  push(id, points, most) {
    const chart = getElement(id)?.chart;
    if (!chart) return;
    const known = chart.getOption()?.series?.[0]?.data ?? [];
    chart.setOption({ series: [{ data: known.concat(points).slice(-most) }] });
  },
};
setInterval(() => {
  if (document.querySelector(".cards") && Date.now() - window.meterTrail.last > 6000)
    document.documentElement.classList.add("silent");
}, 1000);
