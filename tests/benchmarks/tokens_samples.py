"""Texts of many kinds, written for measuring how tokens are counted."""

from __future__ import annotations

import json
from collections.abc import Mapping

PROSE: Mapping[str, str] = {
    "english": (
        "The harbour wakes before the town does. By five the first boats are out beyond the breakwater, and the women "
        "who mend the nets have already carried their chairs to the sunny side of the quay. Nobody hurries. A net that "
        "is mended in haste has to be mended twice, as old Marten says, and he has mended more of them than anybody. "
        "When the ferry comes in, everyone looks up for a moment, counts the strangers, and goes back to work."
    ),
    "german": (
        "Die Werkstatt liegt im Hinterhof, gleich neben der alten Druckerei. Wer sie zum ersten Mal betritt, riecht "
        "zuerst das Leinöl und hört dann das Ticken von mindestens zwanzig Uhren, von denen keine zwei dieselbe Zeit "
        "anzeigen. Der Uhrmacher stört sich daran nicht. Genauigkeit, erklärt er, sei eine Frage der Geduld, und die "
        "Kundschaft habe ohnehin verlernt, zwischen Pünktlichkeit und Eile zu unterscheiden."
    ),
    "french": (
        "Chaque matin, la boulangère ouvre ses volets à la même heure, et la rue entière s'imprègne d'une odeur de "
        "beurre chaud. Les écoliers s'arrêtent un instant devant la vitrine, comptent leurs pièces et repartent en "
        "courant. Elle les connaît tous par leur prénom; elle sait aussi lesquels reviendront demain pour payer ce "
        "qu'ils ont emporté aujourd'hui."
    ),
    "spanish": (
        "El tren llegó con cuarenta minutos de retraso y nadie en el andén pareció sorprenderse. Una mujer siguió "
        "leyendo, dos niños terminaron su partida de cartas y el jefe de estación apagó la radio sin prisa. Según él, "
        "los horarios son una promesa que se hace por costumbre y que la montaña cumple cuando le conviene."
    ),
    "polish": (
        "Kiedy spadł pierwszy śnieg, dzieci z całej ulicy zbiegły się na wzgórze za szkołą. Jedne przyniosły sanki, "
        "inne stare tace, a najmłodszy chłopiec przyciągnął drzwiczki od szafki, które dziadek właśnie wyrzucił. "
        "Zjeżdżały do zmroku, aż w oknach zaczęły zapalać się światła i ktoś zawołał, że kolacja stygnie."
    ),
    "turkish": (
        "Köyün tek kahvehanesi yokuşun başındaydı; oraya çıkan herkes önce soluklanır, sonra selam verirdi. Kahveci "
        "kimin ne içeceğini sormadan bilir, şekeri kaşıkla değil gözüyle ölçerdi. Yağmurlu günlerde soba yakılır, "
        "ıslak paltolar sandalyelere asılır ve eski hikâyeler yeniden anlatılırdı."
    ),
    "vietnamese": (
        "Mỗi sáng, bà cụ bán hoa mở cửa hàng trước khi mặt trời lên. Những bó cúc vàng được đặt sát lề đường, còn hoa "
        "sen thì để trong bóng râm cho khỏi héo. Khách quen không cần hỏi giá; họ chỉ mỉm cười, chọn một bó rồi đi "
        "tiếp vào con phố đông người."
    ),
    "russian": (
        "В конце августа дачники начинают варить варенье, и над посёлком целую неделю стоит запах смородины. Соседи "
        "обмениваются банками через забор, спорят о сахаре и вспоминают лето, когда дождь не прекращался ни на день. "
        "К вечеру становится прохладно, и кто-нибудь обязательно приносит из сарая самовар."
    ),
    "ukrainian": (
        "Уранці річка парує, і старий міст здається легшим, ніж він є насправді. Рибалки сидять мовчки, бо вважають, "
        "що щука чує кожне слово. Лише хлопчик із сусіднього хутора не витримує, підходить ближче й пошепки питає, чи "
        "правда, що колись тут ходили пароплави."
    ),
    "greek": (
        "Στο νησί δεν υπάρχουν πια ψαράδες, μόνο βάρκες που θυμούνται τα ονόματά τους. Το καλοκαίρι τα παιδιά "
        "κολυμπούν ως την ξέρα και γυρίζουν πριν σκοτεινιάσει. Οι γιαγιάδες κάθονται στα σκαλιά, καθαρίζουν φασολάκια "
        "και ξέρουν πάντα ποιος έφτασε με το τελευταίο πλοίο."
    ),
    "hebrew": (
        "בקצה השכונה עומדת ספרייה קטנה שאיש אינו זוכר מי הקים אותה. הספרים מסודרים לפי צבע ולא לפי נושא, ובכל זאת "
        "הספרנית מוצאת כל כותר תוך רגע. היא אומרת שקורא אמיתי זוכר את הכריכה הרבה אחרי ששכח את העלילה."
    ),
    "arabic": (
        "في السوق القديم دكان ضيق يبيع الخرائط المستعملة. صاحبه لا يسأل الزبائن إلى أين يسافرون، بل من أين جاؤوا، ثم "
        "يفتح درجا بعينه ويخرج ورقة مطوية بعناية. يقول إن الخريطة الجيدة لا تدلك على الطريق، وإنما تعلمك كيف تضل فيه "
        "بلا خوف."
    ),
    "hindi": (
        "गाँव के बाहर एक पुराना कुआँ है जहाँ शाम को सब लोग इकट्ठा होते हैं। बच्चे पत्थर फेंककर पानी की आवाज़ सुनते हैं और बूढ़े "
        "अपने खेतों की बातें करते हैं। जब बिजली चली जाती है तो कोई दीया जला देता है, और कहानी वहीं से आगे बढ़ती है जहाँ कल "
        "रुकी थी।"
    ),
    "thai": (
        "ตลาดริมน้ำเปิดตั้งแต่ก่อนฟ้าสาง แม่ค้าพายเรือมาเทียบท่าทีละลำ กลิ่นกาแฟโบราณลอยปนกับกลิ่นขนมครกที่เพิ่งสุก "
        "นักท่องเที่ยวมักมาสายเกินไป แต่คนในชุมชนรู้ดีว่าของอร่อยหมดก่อนเจ็ดโมงเช้าเสมอ"
    ),
    "chinese": (
        "老城的茶馆每天清晨六点开门。最先来的总是几位退休的教师，他们带着自己的杯子，坐在靠窗的位置，一边看报一边谈论昨晚的棋局。"
        "掌柜从不催促客人，他说茶要慢慢泡，话要慢慢讲，急着走的人喝不出这一壶水是从哪口井里打上来的。"
    ),
    "traditional chinese": (
        "巷口的麵店只有六張桌子，卻開了整整四十年。老闆娘記得每位熟客的口味，誰不吃蔥，誰要多加一勺辣油，從來不會弄錯。"
        "颱風天街上空無一人，她仍舊點亮招牌，說是怕有人回家晚了，找不到一碗熱湯。"
    ),
    "japanese": (
        "駅前の古本屋は、午後になると決まって猫が店番をしている。店主は奥の机で帳簿をつけながら、客が来ても顔を上げない。"
        "欲しい本の題名を言うと、猫がゆっくり立ち上がり、棚の前まで案内してくれるという噂があるが、確かめた人はまだいない。"
    ),
    "korean": (
        "언덕 위의 작은 천문대는 토요일 밤에만 문을 연다. 아이들은 담요를 두르고 줄을 서서 차례를 기다리고, 할아버지는 "
        "망원경의 초점을 맞추며 별의 이름을 하나씩 불러 준다. "
        "구름이 끼는 날에는 대신 라디오를 켜고 오래된 노래를 듣는다."
    ),
}

_ORDERS = [
    {"order_id": f"A-{n:05}", "customer": {"name": "R. Linde", "vip": n % 3 == 0}, "total_cents": 1990 + 37 * n}
    for n in range(12)
]

CODE: Mapping[str, str] = {
    "python": '''
def merge_intervals(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join intervals that touch or overlap; the result is sorted."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


class InventoryReport:
    def __init__(self, warehouse_name: str, max_items: int = 500) -> None:
        self._warehouse_name = warehouse_name
        self._counts = {item.sku: 0 for item in load_items(limit=max_items)}
''',
    "javascript": """
export async function fetchOrders(baseUrl, { pageSize = 50, signal } = {}) {
  const results = [];
  for (let page = 0; ; page += 1) {
    const response = await fetch(`${baseUrl}/orders?page=${page}&size=${pageSize}`, { signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const { items, hasMore } = await response.json();
    results.push(...items.map((item) => ({ ...item, totalCents: Math.round(item.total * 100) })));
    if (!hasMore) return results;
  }
}
""",
    "sql": """
SELECT c.customer_id, c.display_name, COUNT(o.order_id) AS orders, SUM(o.total_cents) / 100.0 AS revenue
FROM customers AS c
LEFT JOIN orders AS o ON o.customer_id = c.customer_id AND o.placed_at >= DATE '2026-01-01'
WHERE c.country_code IN ('DE', 'FR', 'PL')
GROUP BY c.customer_id, c.display_name
HAVING COUNT(o.order_id) > 3
ORDER BY revenue DESC
LIMIT 25;
""",
    "json": json.dumps(_ORDERS),
    "indented json": json.dumps(_ORDERS, indent=2),
    "markdown": """
## Delivery zones

| zone | days | price |
|------|-----:|------:|
| A    |    1 |  4.90 |
| B    |    2 |  6.50 |
| C    |  3-5 |  9.90 |

- Orders before **14:00** leave the same day.
- See [returns](https://shop.example/help/returns?lang=en#refunds) for the way back.
- `express` is not offered in zone *C*.
""",
    "log": "\n".join(
        f"2026-03-{1 + n % 28:02}T08:{n % 60:02}:13.{n * 37 % 1000:03}Z INFO worker-{n % 4} finished job "
        f"id=7f3a{n:04x} in {n * 13 % 900} ms"
        for n in range(14)
    ),
    "numbers": " ".join(str(n * n * 7919 % 10_000_019) for n in range(90)),
    "hex": "".join(f"{n * 2654435761 % 2**32:08x}" for n in range(60)),
    "emoji": "Great job team! 🎉🎉 Lunch at 12? 🍜 or 🌮? I vote 🌮🌮 👍🏽 see you there 😄 (bring ☂️, it rains 🌧️)",
}

SAMPLES: Mapping[str, str] = {**PROSE, **CODE}
