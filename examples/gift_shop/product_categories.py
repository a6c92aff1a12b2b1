"""Put a product into a category by the words of its title.

``RULES`` is read from top to bottom and the first keyword found decides, so that the specific stands before
the general: a "Christmas Stocking" is Christmas before anything else, a "Lunch Box" is found before a box. A
keyword is one or more whole words in lower case; its plural in -s or -es counts too, punctuation is a space.
"""

import re

OTHER = "Gifts > Other"

RULES: tuple[tuple[str, str], ...] = (
    (
        "Seasonal > Christmas Cards & Wrap",
        "christmas card, card christmas, wrap christmas, christmas wrap, wrap 50's christmas, christmas "
        "paper, christmas tissue, christmas ribbon, christmas sticker, christmas stamp, advent, christmas "
        "gift, christmas pannetone, gift tags 50's christmas, gift tags vintage christmas, roll wrap "
        "vintage christmas, wrap 50's red christmas, wrap santa, card motorbike santa, yuletide images "
        "gift wrap",
    ),
    (
        "Seasonal > Christmas Decorations",
        "christmas, xmas, bauble, reindeer, santa, snowflake, snowman, snowmen, mistletoe, holly, tinsel, "
        "noel, cracker, nativity, yuletide, glitter snow, sleigh, wreath, snow star, rudolph, glitter "
        "heart, icicle, blackchristmas",
    ),
    (
        "Seasonal > Easter",
        "easter, egg hunt, paper egg, decoration egg, painted egg, flower egg, chick, bunny, bunnies, "
        "rabbit, egg garland, spring decoration, spring flower decoration, hanging hen, hanging egg, hen "
        "on nest",
    ),
    (
        "Gifts > Other",
        "ashtray, dog collar, dogs collar",
    ),
    (
        "Home & Garden > Signs & Letters",
        "sign, doorsign, number tile",
    ),
    (
        "Home & Garden > Clocks & Mirrors",
        "clock, hourglass",
    ),
    (
        "Kitchen & Dining > Kitchen Textiles",
        "apron, tea towel, oven glove, oven mitt, tea cosy, egg cosy, mug cosy, egg warmer, cake towel, "
        "swiss roll towel, table cloth, tablecloth, peg bag, food cover",
    ),
    (
        "Bath & Wellbeing > Hot Water Bottles & Warmers",
        "hot water bottle, hand warmer, ear muff, slipper, washing up glove, hottie",
    ),
    (
        "Toys & Crafts > Craft & Sewing",
        "knitting, sewing, iron on",
    ),
    (
        "Home & Garden > Cushions, Curtains & Doormats",
        "cushion, squarecushion, throw, quilt, blanket, curtain, pillow, bedspread, rug, doormat, door "
        "mat, doorstop, draught excluder, draft, acapulco mat, bath mat",
    ),
    (
        "Home & Garden > Frames & Memo Boards",
        "magnet, photo frame, photoframe, picture frame, wall art, memo, memoboard, cover frame, record "
        "frame",
    ),
    (
        "Stationery > Gift Wrap & Gift Bags",
        "gift bag, wrap, gift tag, gift box, tissue ream, giftwrap, carrier bag, bottle bag, ribbon, "
        "pannetone, gift sack, tissue paper",
    ),
    (
        "Bags & Travel > Lunch Bags & Picnic",
        "lunch bag, lunch box, lunchbox, picnic, snack box, hamper, cool bag, food container set",
    ),
    (
        "Bags & Travel > Shopping Bags",
        "jumbo bag, shopper, tote, shopping bag, charlotte bag, recycling bag, storage bag, string bag, "
        "canvas bag, beach bag, drawstring bag, candy bag, cabin bag, pocket bag, bag with handle",
    ),
    (
        "Party > Balloons, Bunting & Party Bags",
        "party bag, party sunglasses, invite, invitation, confetti, balloon, candles celebration, "
        "celebration candle, party candle, birthday candle, party cone, party hat, tiara, bubbles, water "
        "bomb, barrier tape, birthday banner, party charm, rosette, grass skirt, leis",
    ),
    (
        "Party > Tableware",
        "paper cup, paper plate, napkin, straw, cocktail parasol, cocktail stick, doily, doilies, doiley, "
        "place setting, disposable, party pizza, party pack",
    ),
    (
        "Party > Balloons, Bunting & Party Bags",
        "bunting, garland, paper chain, honeycomb, paper lantern, paper fan, pennant, flag of st george, "
        "windsock",
    ),
    (
        "Jewellery > Jewellery Boxes & Stands",
        "trinket, jewellery, jewelry, ring holder, keepsake, hand open shape",
    ),
    (
        "Bags & Travel > Key Rings & Charms",
        "key ring, keyring, key chain, keychain, key fob, bag charm, phone charm, phone char",
    ),
    (
        "Jewellery > Necklaces",
        "necklace, necklac, neckl, pendant, lariat, choker",
    ),
    (
        "Jewellery > Earrings",
        "earring",
    ),
    (
        "Jewellery > Bracelets & Rings",
        "bracelet, braclet, bangle, ring, brooch, cufflink, anklet",
    ),
    (
        "Jewellery > Hair Accessories",
        "hair, hairclip, hairband, hairslide, cluster slide, scrunchie",
    ),
    (
        "Bags & Travel > Handbags, Purses & Wallets",
        "purse, wallet, handbag, shoulder bag, clutch, cosmetic, washbag, wash bag, makeup bag, coin, "
        "kids bag, bum bag, hand bag, airline bag, beauty case, suki bag",
    ),
    (
        "Bags & Travel > Umbrellas & Travel",
        "umbrella, parasol, poncho, passport, luggage, travel, suitcase, car mat, sunglasses, scarf, "
        "pashmina, hat, shawl, sombrero, raincoat, weekend bag, shower proof, silk fan, sandalwood fan",
    ),
    (
        "Candles & Lighting > T-Light Holders",
        "votive holder, candle holder, candleholder, candlestick, candle stick, candlepot, candle pot, "
        "candle plate, t light, tealight, candle lamp, chandelier, hurricane lamp, candelabra",
    ),
    (
        "Home & Garden > Clocks & Mirrors",
        "mirror",
    ),
    (
        "Candles & Lighting > Candles & Incense",
        "candle, votive, wick, citronella, wax, matches, chocolatecandle, incense, pot pouri, potpourri, "
        "oil burner, fragrance, diffuser, room spray, joss, sachet, lavender heart, aromatherapy, scented "
        "fabric, scent heart, scented heart",
    ),
    (
        "Candles & Lighting > Lamps & Lanterns",
        "lantern, lamp, lampshade, light, lightbulb, disco ball, torch, shade",
    ),
    (
        "Kitchen & Dining > Baking & Cake Stands",
        "cake stand, cakestand, cake case, cake tin, baking, cookie cutter, biscuit cutter, mould, "
        "muffin, petit four, rolling pin, measuring, mixing bowl, cake plate, cake lace, cupcake lace, "
        "icing, sieve, cake slice, toast its, kitchen scale, scales, cases",
    ),
    (
        "Stationery > Pens & Desk",
        "pen, pencil, eraser, sharpener, calculator, stationery, scissor, paperweight, ruler",
    ),
    (
        "Bath & Wellbeing > Bath & Beauty",
        "soap, bath, flannel, towel, sponge, shower, lip gloss, balm, toothbrush, plasters, tissues, "
        "manicure, hairbrush, brush, massager, perfume, first aid, back scrubber, pill box, powder, "
        "headrest",
    ),
    (
        "Toys & Crafts > Games & Puzzles",
        "game, jigsaw, puzzle, ludo, snakes, dominoes, bingo, skittles, snap cards, playing cards, chess, "
        "marbles, skipping rope, skippping rope, croquet, boules, dart, quiz, spinning top, yoyo, yo yo, "
        "harmonica, kite, flying disc, helicopter, boomerang, noughts, tic tac toe, hopscotch, piano, "
        "windmill, football, racket, jacks, table tennis, heads and tails, pick up sticks, magic drawing, "
        "stress ball, gumball, sport, whoopee, juggling, rattle snake, glider, inflatable, globe, glow in "
        "dark, creepy crawly, creepy crawlie, snake set",
    ),
    (
        "Kitchen & Dining > Jars & Tins",
        "jar, tin, caddy, canister, bread bin, biscuit barrel, jam pot, biscuits bin, container, sugar "
        "bowl, enamel bread, pantry box, cloche, tea coffee sugar, sugar dispenser, set of 3 retrospot tea, "
        "jam making set",
    ),
    (
        "Kitchen & Dining > Mugs & Cups",
        "mug, teacup, cup, saucer, beaker, tea for one, teapot, tea set, tea pot, coffee pot, espresso, "
        "milk jug, coffee set",
    ),
    (
        "Home & Garden > Garden",
        "watering can, planter, garden marker, herb marker, garden tool, thermometer, plant pot, "
        "birdhouse, bird house, trowel, childs garden, childrens garden, garden spade, garden rake",
    ),
    (
        "Kitchen & Dining > Glasses, Jugs & Bottles",
        "drinking glass, champagne, tumbler, goblet, jug, decanter, carafe, sundae, aperitif, shot glass, "
        "bottle, chalice, cocktail, hi ball, corkscrew, wine, tea glass, milkshake glass, colour d o f "
        "glass",
    ),
    (
        "Kitchen & Dining > Cutlery & Utensils",
        "cutlery, spoon, fork, knife, knives, ladle, chopstick, colander, squeezer, whisk, spatula, "
        "grater, utensil, salt, pepper, pizza cutter, peeler, tongs, popcorn holder, toast rack, "
        "toastrack, scoop, egg timer, ice cube, nut cracker, pan, tea strainer, cruet, ice lolly, "
        "popsicle, apple corer, cooking set",
    ),
    (
        "Kitchen & Dining > Plates, Bowls & Trays",
        "plate, bowl, tray, dish, platter, placemat, coaster, fruitbowl, breakfast set, egg cup, serving, "
        "trivet, pot stand, dinner set, charger, fruit basket, place mat",
    ),
    (
        "Toys & Crafts > Soft Toys & Dolls",
        "doll, dolly girl, teddy, bear, toy, monkey, playhouse, puppet, farm animal, rocking horse, "
        "monster, pony, nesting, robot, dinosaur, space frog, space cadet, spaceboy, mouse, space owl, "
        "building block",
    ),
    (
        "Toys & Crafts > Children & Baby",
        "childs, children, baby, kids, bib, nursery, boys, girls, nappy, height chart, bathroom set",
    ),
    (
        "Toys & Crafts > Craft & Sewing",
        "feltcraft, craft, knitting, kit, crayons, stencil, wood stamp, stamp set, rubber stamp, "
        "colouring, painting set, chalk, scrapbook, patchwork set, decoupage set, stamps, paint set, "
        "modelling clay, paint your own, sewing, tape measure, iron on, patch, pin cushion, thread, sew "
        "on, needle, lace, pom pom, filler pad, button box",
    ),
    (
        "Stationery > Greeting Cards & Stickers",
        "card, postcard, sticker, envelope, stamp, transfer, notelet, decal",
    ),
    (
        "Stationery > Notebooks & Albums",
        "notebook, journal, sketchbook, album, diary, notepad, bookmark, jotter, organiser, calendar, "
        "wallplanner, list pad, memo pad, book, scrapbook, shopping list, writing",
    ),
    (
        "Stationery > Pens & Desk",
        "pen, pencil, eraser, rubber, ruler, sharpener, calculator, stationery, scissor, paperweight, "
        "desk, office, tape, stapler, letter opener, magnifying, usb, sketch, paper, clip, hole punch",
    ),
    (
        "Home & Garden > Frames & Memo Boards",
        "frame, photoframe, memo, chalkboard, blackboard, black board, noticeboard, pinboard, magnet, "
        "memoboard, kitchen print, shells print, wall art, photo cube, art picture, page photo",
    ),
    (
        "Home & Garden > Hooks, Knobs & Hangers",
        "hook, knob, drawerknob, hanger, peg, towel rail, key cabinet, key box, rack",
    ),
    (
        "Home & Garden > Garden",
        "watering can, plant pot, planter, flower pot, trowel, kneeling, gardeners, seed, herb marker, "
        "potting, thermometer, fork, rake, wheelbarrow, spade, plant cage, trough, cress, bulb, herb pot, "
        "grow, hose, spirit level, screwdriver, tool, hammer, birdhouse, bird house, bird feeder, bird "
        "table, bird bath, garden, chime, nest box, gnome, hen house, dovecote, outdoor, fly swat, "
        "sundial, windchime, sandcastle flag",
    ),
    (
        "Home & Garden > Signs & Letters",
        "sign, doorsign, plaque, door number, block word, tile, letter, door hanger",
    ),
    (
        "Home & Garden > Furniture & Storage",
        "cabinet, chest, table, chair, stool, shelf, shelves, sideboard, bench, ladder, screen, cupboard, "
        "wardrobe, newspaper stand, hammock, seat, deckchair, ottoman, pouffe, ironing board cover, "
        "magazine rack, box, basket, storage, bin, tidy, drawer, crate, bucket, trunk, case, holdall, "
        "umbrella stand, holder, organiser, pot, tub, money bank, piggy bank",
    ),
    (
        "Decorations > Flowers & Plants",
        "flower, rose, vase, lavender, bouquet, leaf, blossom, lily, daisy, tulip, poppy, sunflower, "
        "orchid, foliage, petals, spray",
    ),
    (
        "Decorations > Hanging & Hearts",
        "hanging, heart, decoration, mobile, bell, feather, angel, star, butterfly, bird, bead, droplet, "
        "string, dove, wind, wicker, filigree, wall art, ornament, fairy, decorative, cat, dog, frog, "
        "duck, hen, owl, statue, crystal, buddha, dec, toadstool, mushroom, egg house, clam shell, "
        "geisha, ceramic ball, glass gems, silver stones, metal pears",
    ),
)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", "")))


def _pattern(keywords: str) -> re.Pattern[str]:
    alternatives = "|".join(_words(keyword) for keyword in keywords.split(","))
    return re.compile(rf"\b(?:{alternatives})(?:e?s)?\b")


_COMPILED = [(path, _pattern(keywords)) for path, keywords in RULES]


def categorise(title: str) -> str:
    """The path ("Kitchen & Dining > Mugs & Cups") of the first rule that knows a word of the title."""
    text = _words(title)
    return next((path for path, pattern in _COMPILED if pattern.search(text)), OTHER)
