"use strict";
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const places = [...document.querySelectorAll("[data-figure]")];
  const ink = (light) => {
    const night = dark.matches && !light;
    return {
      "font.color": night ? "#cfd6df" : "#33404f",
      "hoverlabel.bgcolor": night ? "#232b36" : "#ffffff",
      "hoverlabel.bordercolor": night ? "#4a5665" : "#c9d1da",
      "hoverlabel.font.color": night ? "#e8edf3" : "#1d2733",
    };
  };
  const menu = (figure) => (figure.layout.updatemenus ? {
    "updatemenus[0].bgcolor": dark.matches ? "#232b36" : "#ffffff",
    "updatemenus[0].bordercolor": dark.matches ? "#4a5665" : "#c9d1da",
  } : {});
  const paint = (light) => places.forEach((place) => Plotly.relayout(place, { ...ink(light), ...menu(place) }));
  root.classList.add("js");
  const drawn = places.map((place) => {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    return Plotly.newPlot(place, figure.data, figure.layout, { displayModeBar: false, responsive: true, displaylogo: false });
  });
  Promise.all(drawn).then(() => paint(false));
  dark.addEventListener("change", () => paint(false));
  const details = [...document.querySelectorAll("details")];
  let shut = [];
  window.addEventListener("beforeprint", () => {
    shut = details.filter((one) => !one.open);
    shut.forEach((one) => { one.open = true; });
    if (dark.matches) paint(true);
  });
  window.addEventListener("afterprint", () => {
    shut.forEach((one) => { one.open = false; });
    if (dark.matches) paint(false);
  });
})();
