// each picture of an example into a box of its own, which site.css lets scroll on a phone
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll("img.sphx-glr-single-img")) {
    const box = document.createElement("div");
    box.className = "wide";
    image.replaceWith(box);
    box.append(image);
  }
});
